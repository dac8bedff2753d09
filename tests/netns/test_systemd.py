#!/usr/bin/python3
"""The service under a real systemd: its user and sandbox, restarts that keep registrations and calls, failures (A5, X9)."""

import json

from labtest import PROVIDER, LabTest, main, sip
from netns import wait_for
from systemd import Systemd


class Service(LabTest):
    @classmethod
    def prepare(cls):
        cls.systemd = Systemd(cls.lab)
        cls.systemd.install()

    @classmethod
    def tearDownClass(cls):
        try:
            cls.systemd.close()
        finally:
            super().tearDownClass()

    def setUp(self):
        super().setUp()
        self.systemd.run("systemctl", "reset-failed", "sipalg", check=False)
        self.addCleanup(self.stop)
        self.systemd.run("systemctl", "start", "sipalg")

    def stop(self):
        self.systemd.run("systemctl", "stop", "sipalg", check=False)
        self.systemd.run("rm", "-rf", "/run/sipalg/kept")
        self.assertEqual(self.lab.ruleset(), self.lab.empty_ruleset)

    def ctl(self, *argv):
        return json.loads(self.systemd.ctl("--json", *argv).stdout)

    def test_ready_and_private(self):
        """X9, SPEC 1: `start` returns when the daemon serves, as its own user with two capabilities and a filter."""
        self.assertEqual(self.systemd.ctl("status").returncode, 0)
        self.assertIn("Serving", self.systemd.show("StatusText"))
        status = self.systemd.run("cat", f"/proc/{self.systemd.show('MainPID')}/status").stdout
        fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
        uid = self.systemd.run("id", "-u", "sipalg").stdout.strip()
        self.assertEqual(fields["Uid"].split(), [uid] * 4)
        self.assertEqual(int(fields["CapEff"], 16), 1 << 12 | 1 << 13)
        self.assertEqual((fields["NoNewPrivs"], fields["Seccomp"]), ("1", "2"))

    def test_members_of_the_group(self):
        """X9, O7: a member of the group sipalg may look and not close; anybody else may not look."""
        self.systemd.run("useradd", "--no-create-home", "--groups", "sipalg", "owner", check=False)
        self.systemd.run("useradd", "--no-create-home", "guest", check=False)
        self.assertEqual(self.systemd.ctl("status", user="owner").returncode, 0)
        refused = self.systemd.ctl("close", "--all", user="owner", check=False)
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn("root", refused.stderr)
        refused = self.systemd.ctl("status", user="guest", check=False)
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn("group sipalg", refused.stderr)

    def test_restart_in_a_call(self):
        """A5: `systemctl restart`, and stop and start, keep registration and call; the phone hears and hangs up."""
        call = self.call_in()
        call.exchange()
        for commands in (("restart",), ("stop", "start")):
            for command in commands:
                self.systemd.run("systemctl", command, "sipalg")
                if command == "stop":
                    kept = self.systemd.run("stat", "-c", "%U %a", "/run/sipalg/kept", "/run/sipalg/kept/state").stdout
                    self.assertEqual(kept.split("\n")[:2], ["sipalg 700", "sipalg 600"])
            self.assertEqual(len(self.ctl("bindings")), 1)
            self.assertEqual([each["call_id"] for each in self.ctl("calls")], [call.id])
            call.exchange(first="right")
        call.hang_up(by="peer")
        wait_for(lambda: not [each for each in self.ctl("pinholes") if each["serves"] == "media"], 1, "the pinholes to go")

    def test_idle_phone_after_restart(self):
        """A5: a phone that is idle through a restart, and whose flow conntrack has forgotten, is called."""
        phone, peer = self.phone(), self.peer()
        registration, _ = self.register(phone, peer)
        self.systemd.run("systemctl", "restart", "sipalg")
        self.lab.forget_flows()
        peer.invite("phone1", sip.sdp(PROVIDER, 30000), contact=registration.get("Contact"))
        self.assertEqual(phone.hear("INVITE").uri, f"sip:phone1@{phone.address}:5060")

    def test_reload(self):
        """C11, SPEC 1: `systemctl reload` reads the configuration, which only root and the group may read."""
        self.systemd.configure("log-level = debug\nmode = observe\n")
        self.addCleanup(self.systemd.configure)
        self.systemd.run("systemctl", "reload", "sipalg")
        wait_for(lambda: self.ctl("status")["mode"] == "observe", 3, "the new mode")

    def test_killed(self):
        """A5: a daemon that is killed is started again, and takes up the registration."""
        phone, peer = self.phone(), self.peer()
        self.register(phone, peer)
        self.systemd.run("systemctl", "kill", "--kill-whom=main", "--signal=KILL", "sipalg")
        wait_for(lambda: self.systemd.show("NRestarts") == "1" and self.systemd.show("ActiveState") == "active", 15,
                 "the next daemon")
        self.assertEqual(len(self.ctl("bindings")), 1)

    def test_bad_configuration(self):
        """SPEC 1: with a mistake in the configuration the start fails once, and names the line."""
        self.systemd.run("systemctl", "stop", "sipalg")
        self.systemd.configure("mode = sideways\n")
        self.addCleanup(self.systemd.configure)
        self.assertNotEqual(self.systemd.run("systemctl", "start", "sipalg", check=False).returncode, 0)
        self.assertEqual((self.systemd.show("ExecMainStatus"), self.systemd.show("NRestarts"), self.systemd.show("ActiveState")),
                         ("2", "0", "failed"))


if __name__ == "__main__":
    main()
