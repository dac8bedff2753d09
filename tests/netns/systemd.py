"""A systemd of its own as the init of the router's programs, with sipalgd as its service."""

import os
import unittest

from lab import ROOT, program
from netns import Timeout, wait_for

# Of the machine's files, only those below /tmp, /run, /etc and /var could be changed by systemd and its services, so
# these are copies or empty here. No unit or generator of the machine is known: they would set up the machine again, clear
# temporary files and load kernel settings; /proc/sys can only be read. `ip netns exec` hides the cgroups, so they are mounted again.
BOOT = '''
set -e
cgroup="$1" work="$2" version="$3"
shift 3
if [ "$version" = 2 ]; then kind="cgroup2"; else kind="cgroup -o none,name=systemd"; fi
mkdir "$work/cgroups"
mount -t $kind none "$work/cgroups"
mkdir -p "$work/cgroups/$cgroup"
echo $$ > "$work/cgroups/$cgroup/cgroup.procs"
umount "$work/cgroups"
export kind version work container=test SYSTEMD_UNIT_PATH=/etc/systemd/system SYSTEMD_GENERATOR_PATH=/nonexistent
exec unshare --pid --fork --kill-child=SIGKILL --mount --uts --ipc --cgroup bash -ec '
    mount -t tmpfs none "$work"
    for each in etc var; do
        mkdir -p "$work/$each" "$work/$each.work"
        mount -t overlay none -o "lowerdir=/$each,upperdir=$work/$each,workdir=$work/$each.work" "/$each"
    done
    mount -t tmpfs none /run
    mkdir /run/programs
    cp "$@" /run/programs
    mount -t tmpfs none /tmp
    mount -t proc none /proc
    mount --bind /proc/sys /proc/sys
    mount -o remount,bind,ro /proc/sys
    [ $version = 2 ] || { mount -t tmpfs none /sys/fs/cgroup; mkdir /sys/fs/cgroup/systemd; }
    mount -t $kind none /sys/fs/cgroup$([ $version = 2 ] || echo /systemd)
    rm -rf /etc/systemd/system
    mkdir -p /etc/systemd/system
    for each in sysinit basic shutdown; do
        printf "[Unit]\\nDefaultDependencies=no\\n" > /etc/systemd/system/$each.target
    done
    exec /lib/systemd/systemd --system --unit=basic.target
' bash "$@"
'''


def cgroups():
    """(version, where the hierarchy is mounted, this process's path in it)."""
    unified = os.path.exists("/sys/fs/cgroup/cgroup.controllers")
    with open("/proc/self/cgroup") as rows:
        paths = {name: path for _, name, path in (row.strip().split(":", 2) for row in rows)}
    path = paths.get("" if unified else "name=systemd", "/").lstrip("/")
    return (2, "/sys/fs/cgroup", path) if unified else (1, "/sys/fs/cgroup/systemd", path)


class Systemd:
    """`systemctl` and other programs run beside the service with run()."""

    def __init__(self, lab):
        if not os.path.exists("/lib/systemd/systemd"):
            raise unittest.SkipTest("systemd is not installed")
        self.lab = lab
        version, hierarchy, here = cgroups()
        cgroup = os.path.join(here, f"sipalg-test-{os.getpid()}")
        self._cgroup = os.path.join(hierarchy, cgroup)
        work = os.path.join(lab.directory, "systemd")
        os.mkdir(work)
        self._unshare = lab.start(lab.router, "bash", "-c", BOOT, "bash", cgroup, work, version,
                                  program("sipalgd"), program("sipalgctl"), name="systemd", lasting=True)
        self._init = None

        def booted():
            if not self._unshare.running:
                raise unittest.SkipTest(f"systemd does not start here: {self._unshare.output()}")
            self._init = self._init or self._find_init()
            return self._init and self.run("systemctl", "is-active", "basic.target", check=False).stdout == "active\n"
        try:
            wait_for(booted, 30, "systemd to boot")
        except Timeout as timeout:
            self.close()
            raise unittest.SkipTest(f"systemd does not boot here: {timeout}; {self._unshare.output()}") from None

    def _find_init(self):
        """The pid of systemd, a child of unshare; before that runs, other children prepare."""
        with open(f"/proc/{self._unshare.pid}/task/{self._unshare.pid}/children") as children:
            for pid in children.read().split():
                try:
                    with open(f"/proc/{pid}/comm") as name:
                        if name.read() == "systemd\n":
                            return pid
                except OSError:  # it has ended
                    pass
        return None

    def run(self, *argv, text_in=None, check=True):
        return self.lab.router.run("nsenter", "--target", self._init, "--mount", "--pid", "--uts", "--ipc", "--cgroup", *argv,
                                   text_in=text_in, check=check)

    def install(self, options=""):
        """The unit, the user and the configuration, as the package installs them."""
        with open(os.path.join(ROOT, "packaging/sipalg.service")) as file:
            unit = file.read()
        unit = unit.replace("@CMAKE_INSTALL_FULL_SBINDIR@/sipalgd", f"/run/programs/sipalgd {options}".strip())
        # A build with AddressSanitizer would look for leaks by ptrace, which the unit forbids, and try again for ever.
        unit = unit.replace("\nType=", "\nEnvironment=ASAN_OPTIONS=detect_leaks=0\nType=")
        self.run("tee", "/etc/systemd/system/sipalg.service", text_in=unit)
        with open(os.path.join(ROOT, "packaging/sysusers.conf")) as file:
            self.run("systemd-sysusers", "-", text_in=file.read())
        self.configure()
        self.run("systemctl", "daemon-reload")

    def configure(self, more=""):
        """The package's configuration, with further lines."""
        with open(os.path.join(ROOT, "packaging/sipalgd.conf")) as file:
            text = file.read()
        self.run("mkdir", "-p", "/etc/sipalg")
        self.run("tee", "/etc/sipalg/sipalgd.conf", text_in=f"{text}\n{more}")
        self.run("chown", "root:sipalg", "/etc/sipalg/sipalgd.conf")
        self.run("chmod", "0640", "/etc/sipalg/sipalgd.conf")

    def ctl(self, *argv, user=None, check=True):
        """sipalgctl with its default socket, as root or as another user."""
        become = ("setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups") if user else ()
        return self.run(*become, "/run/programs/sipalgctl", *argv, check=check)

    def show(self, what):
        """A property of the service."""
        return self.run("systemctl", "show", "--value", "-p", what, "sipalg").stdout.strip()

    def close(self):
        """Ends it and all its services; their cgroups go."""
        self._unshare.kill()

        def removed():
            for directory, _, _ in os.walk(self._cgroup, topdown=False):
                try:
                    os.rmdir(directory)
                except OSError:  # a process is still ending
                    return False
            return not os.path.exists(self._cgroup)
        wait_for(removed, 5, "the cgroups to be empty")
