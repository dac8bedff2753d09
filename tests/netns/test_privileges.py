#!/usr/bin/python3
"""The privileges of the daemon once it serves (X9): its user, its capabilities, its system calls."""

import errno
import os
import re
import signal
import stat

from labtest import LabTest, main, wait_for
from lab import build_directory, program

USER, GROUP = 61234, 61235
NETWORK_ONLY = 1 << 12 | 1 << 13  # CAP_NET_ADMIN, CAP_NET_RAW
FORBIDDEN = os.path.join(build_directory(), "tests", "platform", "libforbidden_calls.so")
EXACT = ("setpriv", "--bounding-set=-all,+net_admin,+net_raw", "--inh-caps=-all,+net_admin,+net_raw",
         "--ambient-caps=-all,+net_admin,+net_raw", "--no-new-privs")


class Privileges(LabTest):
    @classmethod
    def prepare(cls):
        """Each test starts its own daemon."""

    def setUp(self):
        os.chmod(self.lab.directory, 0o755)
        os.chmod(self.lab.file("sipalgd.conf", ""), 0o644)
        self.control = self.lab.control
        self.lab.control = os.path.join(self.lab.directory, f"{self._testMethodName}.sock")
        self.lab.empty_ruleset = self.lab.ruleset()

    def tearDown(self):
        if self.lab.daemon:
            self.lab.stop_daemon()
        self.lab.close_sockets()
        self.lab.forget_flows()
        self.lab.control = self.control

    def start(self, *options, user=False, wrapper=(), config="", env=None):
        """The daemon as root, on a machine that has the user sipalg or has not; `wrapper` is put before it."""
        argv = [*wrapper, *self.lab.daemon_argv(*options, config=config)]
        if user:
            for name, line in (("passwd", f"sipalg:x:{USER}:{GROUP}::/:/usr/sbin/nologin"), ("group", f"sipalg:x:{GROUP}:")):
                with open(f"/etc/{name}") as real:
                    self.lab.file(name, real.read() + line + "\n")
            # ip netns exec gives its program a mount namespace of its own.
            mounts = " && ".join(f"mount --bind {self.lab.directory}/{n} /etc/{n}" for n in ("passwd", "group"))
            argv = ["sh", "-c", f'{mounts} && exec "$@"', "sh", *argv]
        self.lab.daemon = self.lab.start(self.lab.router, *argv, name="sipalgd", lasting=True, env=env)

        def serving():
            if not self.lab.daemon.running:
                said, self.lab.daemon = self.lab.daemon.output(), None
                self.fail(said)
            return self.lab.ctl_run("status").returncode == 0
        wait_for(serving, 20, "sipalgd to serve")

    def status(self, thread=None):
        """The lines of /proc/PID/status, of one thread."""
        pid = self.lab.daemon.pid
        with open(f"/proc/{pid}/task/{thread or pid}/status") as file:
            return dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)

    def assert_reduced(self, user, group):
        """All threads: the user, two capabilities that no program gets back, and the filter."""
        threads = os.listdir(f"/proc/{self.lab.daemon.pid}/task")
        self.assertEqual(len(threads), 3)
        for thread in threads:
            has = self.status(thread)
            self.assertEqual((set(has["Uid"].split()), set(has["Gid"].split())), ({str(user)}, {str(group)}))
            self.assertEqual([int(has[name], 16) for name in ("CapEff", "CapPrm", "CapInh", "CapAmb")],
                             [NETWORK_ONLY, NETWORK_ONLY, 0, 0])
            self.assertEqual(int(has["CapBnd"], 16) & ~NETWORK_ONLY, 0)
            self.assertEqual((has["NoNewPrivs"], has["Seccomp"]), ("1", "2"))

    def mode(self, path):
        info = os.stat(path)
        return stat.S_IMODE(info.st_mode), info.st_uid, info.st_gid

    def works(self):
        call = self.call_in()
        call.exchange()
        call.hang_up()
        self.assert_closed(call)

    def test_user(self):
        """X9: as root with the user sipalg, the daemon becomes that user, serves, and removes its socket at the end."""
        self.lab.control = os.path.join(self.lab.directory, "run", "control.sock")
        self.start(user=True)
        self.assert_reduced(USER, GROUP)
        self.assertEqual(self.status()["Groups"].split(), [])
        self.assertEqual(self.mode(self.lab.control), (0o660, USER, GROUP))
        self.assertEqual(self.mode(os.path.dirname(self.lab.control)), (0o750, USER, GROUP))
        self.works()
        daemon = self.lab.daemon
        self.lab.stop_daemon()
        self.assertFalse(os.path.exists(self.lab.control))
        self.assertNotIn("warning", daemon.output())

    def test_reload(self):
        """X9: SIGHUP reads a configuration if the user may read it, and reports it otherwise."""
        self.start(user=True)
        path = self.lab.file("sipalgd.conf", "mode = pinhole\n")
        os.chown(path, 0, GROUP)
        os.chmod(path, 0o640)
        self.lab.daemon.send(signal.SIGHUP)
        wait_for(lambda: self.lab.ctl("status")["mode"] == "pinhole", 5, "the new configuration")
        os.chmod(path, 0o600)
        refused = self.lab.ctl_run("reload")
        self.assertEqual(refused.returncode, 1)
        self.assertIn("Permission denied", refused.stderr)
        self.assertIn("group sipalg", refused.stderr)
        self.assertEqual(self.lab.ctl("status")["mode"], "pinhole")

    def test_foreign_directory(self):
        """X9: a socket in another user's directory, which the daemon cannot remove, is replaced at the next start."""
        self.start(user=True)
        self.lab.stop_daemon()
        self.assertTrue(os.path.exists(self.lab.control))
        self.start(user=True)
        self.works()

    def test_unreadable_configuration(self):
        """X9: the start warns that SIGHUP will not be able to read the file."""
        os.chmod(self.lab.file("sipalgd.conf", ""), 0o600)
        self.start(user=True, config="")
        self.assertIn("will not be able to read", self.lab.daemon.output())

    def test_no_user(self):
        """X9: without the user sipalg there is one warning; uid 0, two capabilities, and a socket for root only."""
        self.start()
        self.assert_reduced(0, 0)
        self.assertEqual(self.mode(self.lab.control), (0o600, 0, 0))
        self.assertEqual(len(re.findall("warning: .*user sipalg", self.lab.daemon.output())), 1)
        self.works()

    def test_exact_capabilities(self):
        """X9: started as another user with exactly the two capabilities, as systemd does."""
        self.lab.control = os.path.join(self.lab.directory, "given", "control.sock")
        os.mkdir(os.path.dirname(self.lab.control))
        os.chown(os.path.dirname(self.lab.control), USER, GROUP)
        self.start(wrapper=(EXACT[0], f"--reuid={USER}", f"--regid={GROUP}", "--clear-groups", *EXACT[1:]))
        self.assert_reduced(USER, GROUP)
        self.assertEqual(self.mode(self.lab.control), (0o600, USER, GROUP))
        self.works()

    def test_root_with_exact_capabilities(self):
        """X9: root that may not change its user keeps it, with one warning."""
        self.start(wrapper=EXACT, user=True)
        self.assertEqual(self.status()["Uid"].split()[0], "0")
        self.assertIn("not permitted to change to user sipalg", self.lab.daemon.output())
        self.works()

    def test_system_calls(self):
        """X9: a call that the daemon never makes fails inside its process; one that only an attacker would make ends
        it."""
        with open(program("sipalgd"), "rb") as file:
            if b"__asan_init" in file.read():
                self.skipTest("a build with a sanitizer only logs such calls")
        self.start(env={**os.environ, "LD_PRELOAD": FORBIDDEN})
        self.lab.daemon.send(signal.SIGUSR1)
        wait_for(lambda: "forbidden read" in self.lab.daemon.output(), 5, "the results")
        said = dict(re.findall(r"forbidden (\w+): (\w+ \d+)", self.lab.daemon.output()))
        refused = f"refused {errno.ENOSYS}"
        self.assertEqual(said, {"mkdir": refused, "inet": refused, "write": refused, "chown": refused, "read": "done 0"})
        self.works()
        self.lab.daemon.send(signal.SIGUSR2)
        self.assertEqual(self.lab.daemon.wait(), -signal.SIGSYS)
        self.assertNotIn("execve", self.lab.daemon.output())
        self.lab.daemon.kill()
        self.lab.daemon = None
        self.start()  # which takes its rules over

    def test_user_namespace(self):
        """X9: in a user namespace, where payloads can't be changed, the daemon refuses to start and says why."""
        for option in ((), ("--check",)):
            done = self.lab.router.run("unshare", "--user", "--map-root-user", *self.lab.daemon_argv(*option), check=False)
            self.assertEqual(done.returncode, 1, done.stderr)
            self.assertIn("user namespace", done.stderr)


if __name__ == "__main__":
    main()
