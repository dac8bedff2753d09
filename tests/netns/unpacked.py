"""Programs of Debian packages that are unpacked but not installed, run on the router of a lab."""

import os
import subprocess
import unittest

from lab import ROOT, build_directory
from netns import wait_for

# Runs in a mount namespace of its own; ends with the lab. Debian's kernels and this machine's need not agree on nft or
# legacy iptables as the default, so it is chosen here.
PREPARE = '''
set -e
root="$1" work="$2"
mount -t tmpfs none "$work"
for each in usr etc var; do
    mkdir -p "$work/$each" "$work/$each.work"
    mount -t overlay none -o "lowerdir=$root/$each:/$each,upperdir=$work/$each,workdir=$work/$each.work" "/$each"
done
mount -t tmpfs none /run
mkdir -p /run/dbus /run/lock
for each in iptables ip6tables; do
    for action in "" -save -restore; do ln -sf xtables-nft-multi "/usr/sbin/$each$action"; done
done
echo prepared
exec sleep infinity
'''


# The same for packages of another suite, which have a root of their own.
PREPARE_ROOT = '''
set -e
root="$1" work="$2"
mount -t tmpfs none "$work"
mkdir -p "$work/changes" "$work/work" "$work/root"
mount -t overlay none -o "lowerdir=$root,upperdir=$work/changes,workdir=$work/work" "$work/root"
cd "$work/root"
mount -t proc none proc
mount -t sysfs none sys
mount --rbind /dev dev
mount -t tmpfs none run
mkdir -p run/dbus run/lock
echo prepared
exec sleep infinity
'''


class Unpacked:
    """The packages of one purpose of packaging/demo/packages, mounted over /usr, /etc and /var for the programs that
    this object runs; those of another suite of Debian have the whole root. Changes of files are lost with the lab."""

    def __init__(self, lab, purpose, suite=None):
        directory = os.path.join(build_directory(), "unpacked", purpose)
        script = os.path.join(ROOT, "tests", "platform", "unpack-packages")
        done = subprocess.run(["flock", ROOT, script, purpose, directory, *([suite] if suite else [])],
                              capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise unittest.SkipTest(f"the packages of \"{purpose}\" can't be fetched: {done.stderr[-300:]}")
        self.lab = lab
        work = os.path.join(lab.directory, "unpacked")
        os.mkdir(work)
        self._root = ("chroot", os.path.join(work, "root")) if suite else ()
        prepare = PREPARE_ROOT if suite else PREPARE
        self._holder = lab.start(lab.router, "unshare", "--mount", "bash", "-c", prepare, "bash",
                                 os.path.join(directory, "root"), work, name="unpacked", lasting=True)
        wait_for(lambda: "prepared" in self._holder.output() or not self._holder.running, 10, "the mounts")
        if not self._holder.running:
            raise unittest.SkipTest(f"overlay mounts fail here: {self._holder.output()}")

    def _command(self, *argv):
        return ("nsenter", "--target", str(self._holder.pid), "--mount", "--net", *self._root, *argv)

    def run(self, *argv, text_in=None, check=True):
        return self.lab.router.run(*self._command(*argv), text_in=text_in, check=check)

    def start(self, *argv, name):
        """A program that runs as long as the lab."""
        return self.lab.start(self.lab.router, *self._command(*argv), name=name, lasting=True)

    def write(self, path, text):
        self.run("tee", path, text_in=text)
