#!/usr/bin/python3
"""`sipalgctl doctor --call`: the test call in a copy of the router. It works where calls work, names the failed step and the
command that mends it where they do not, and leaves nothing behind (O3)."""
import json
import os
import signal
import subprocess

from lab import ADMIN_RULESET, program
from labtest import LabTest, main
from netns import wait_for

STEPS = ["copy", "start", "register", "call out", "audio of call out", "end of call out", "call in", "audio of call in",
         "end of call in", "stop"]


class DoctorCall(LabTest):
    @classmethod
    def prepare(cls):
        cls.lab.router.set("net/netfilter/nf_conntrack_acct", 1)
        cls.lab.enable_ipv6()

    def setUp(self):
        super().setUp()
        self.before = self.traces()

    def traces(self):
        """Everything that a test call could leave."""
        with open("/proc/self/mounts") as mounts:
            return {"mounts": [line for line in mounts if "sipalgctl" in line],
                    "links": self.lab.router.run("ip", "-o", "link").stdout, "rules": self.lab.ruleset(),
                    "programs": self.programs()}

    def programs(self):
        """Daemons that a test call of this test has started."""
        mine = f"SIPALG_TEST={self.id()}\0".encode()
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/environ", "rb") as environment, open(f"/proc/{pid}/comm") as name:
                    if mine in environment.read() and "sipalgd" in name.read():
                        found.append(pid)
            except OSError:
                pass
        return found

    def argv(self, *options, config=""):
        return ["env", f"SIPALG_TEST={self.id()}", program("sipalgctl"), "--control", self.lab.control, "doctor", "--call",
                "--config", self.lab.file("call.conf", config), *options]

    def play(self, *options, config=""):
        """The document of a test call; nothing of the call is left."""
        done = self.lab.router.run(*self.argv("--json", *options, config=config), check=False, timeout=180)
        self.assertIn(done.returncode, (0, 1), done.stderr)
        self.assertTrue(done.stdout, done.stderr)
        document = json.loads(done.stdout)
        self.assertEqual(done.returncode, 0 if document["works"] else 1)
        self.assertEqual(self.traces(), self.before)
        return document

    def assert_works(self, *options, config=""):
        document = self.play(*options, config=config)
        self.assertEqual([(each["step"], each["result"]) for each in document["steps"]],
                         [(name, "ok") for name in STEPS], document)
        return document

    def assert_mended(self, name, *words, config=""):
        """The step fails; after its command, which the owner enters on the router, the call works."""
        document = self.play(config=config)
        failed = [each for each in document["steps"] if each["result"] == "failed"]
        self.assertEqual(failed[0]["step"], name, document)
        for word in words:
            self.assertIn(word, failed[0]["text"])
        self.lab.router.run("sh", "-c", failed[0]["command"])
        self.before = self.traces()
        self.assert_works(config=config)

    def test_nat_router(self):
        """O3: a router with masquerade and a closed forward chain. The phone is a free address of an inside network."""
        document = self.assert_works()
        self.assertEqual(document["phone"], "192.168.2.254")
        self.assertEqual(document["not_copied"], [])

    def test_tcp(self):
        """O3: registration and calls over one connection of the phone."""
        document = self.assert_works("--tcp")
        texts = {each["step"]: each["text"] for each in document["steps"]}
        self.assertIn("transport=tcp", texts["register"])
        self.assertIn("on the phone's connection", texts["call in"])

    def test_ipv6(self):
        """O3 N2: a call without translation, over UDP and TCP. The provider reaches the phone through the router."""
        for options in ((), ("--tcp",)):
            with self.subTest(options=options):
                document = self.assert_works("--peer", "2001:db8:2::10", *options)
                self.assertEqual(document["phone"], "2001:db8:1::7e57:ca11")
                self.assertEqual(document["not_copied"], [])

    def test_tcp_refused(self):
        """O3: a chain that lets no connection out."""
        self.lab.router.run("nft", "insert rule inet admin forward tcp dport 5060 drop")
        self.addCleanup(self.restore_rules)
        self.before = self.traces()
        failed = [each for each in self.play("--tcp")["steps"] if each["result"] == "failed"]
        self.assertEqual((failed[0]["step"], failed[0]["text"]),
                         ("register", "the phone's REGISTER does not reach the provider"), failed)
        self.assert_works()  # over UDP

    def restore_rules(self):
        self.lab.router.run("nft", "flush", "ruleset")
        self.lab.router.run("nft", "-f", "-", text_in=ADMIN_RULESET)

    def test_text(self):
        """O3: each step in a line, then the verdict."""
        done = self.lab.router.run(*self.argv("--phone", "192.168.1.77", "--peer", "203.0.113.10"), timeout=180)
        lines = done.stdout.splitlines()
        self.assertEqual(lines[0], "ok       copy               phone 192.168.1.77 at lan, provider 203.0.113.10 at wan")
        self.assertEqual(len([line for line in lines if line.startswith("ok  ")]), len(STEPS))
        self.assertEqual(lines[len(STEPS)], "calls work on this router")

    def test_closed_forward_chain(self):
        """O3 A4: without consent, the audio of the provider is dropped; the command is the accept rule."""
        self.assert_mended("audio of call out", "inet admin forward", config="accept-in = none\n")
        self.restore_rules()

    def test_no_forwarding(self):
        """O3: nothing crosses the router."""
        self.lab.router.set("net/ipv4/ip_forward", 0)
        self.assert_mended("register", "does not forward")

    def test_kernel_helper(self):
        """O3 X10: sipalgd refuses to start beside the kernel's own SIP helper."""
        self.assign_kernel_helper()
        self.before = self.traces()
        self.assert_mended("start", "helper")

    def test_mode_off(self):
        """O3: a configuration that leaves the messages alone."""
        document = self.play(config="mode = off\n")
        failed = {each["step"]: each["text"] for each in document["steps"] if each["result"] == "failed"}
        self.assertIn("names the inside address 192.168.2.254: set mode = auto", failed["register"])

    def test_mistake_in_the_configuration(self):
        """O3: sipalgd does not start, for the reason that it gives."""
        document = self.play(config="sip-port = none\n")
        self.assertEqual([each["result"] for each in document["steps"][:3]], ["ok", "failed", "skipped"])
        self.assertIn("sip-port", document["steps"][1]["text"])

    def stop(self):
        self.lab.stop_daemon()
        self.lab._daemon_options = None  # the next test finds none running

    def test_beside_a_running_daemon(self):
        """O3: the running daemon sees nothing of the call, and names a phone and its registrar."""
        self.lab.start_daemon()
        self.addCleanup(self.stop)
        self.register(self.phone(), self.peer())
        counters = self.lab.ctl("counters")
        self.before = self.traces()
        document = self.assert_works()
        self.assertEqual((document["phone"], document["provider"]), ("192.168.1.11", "203.0.113.10"))
        self.assertEqual(self.lab.ctl("counters"), counters)
        self.assertEqual(self.lab.ctl("calls"), [])

    def test_interrupted(self):
        """O3: signals leave nothing, and neither does SIGKILL."""
        for number, status in ((signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGKILL, -9)):
            with self.subTest(signal=number):
                # "env" and "ip netns exec" become the program itself.
                process = self.lab.start(self.lab.router, *self.argv())
                wait_for(lambda p=process: "start  " in p.output(), 60, "the second sipalgd")
                process.send(number)
                self.assertEqual(process.status(20), status, process.output())
                wait_for(lambda: self.traces() == self.before, 5, "everything to be gone")

    def test_root_only(self):
        """O3: without root, one line says what to do."""
        done = subprocess.run(["setpriv", "--reuid=65534", "--clear-groups", program("sipalgctl"), "doctor", "--call"],
                              capture_output=True, text=True, check=False, cwd="/")
        if "execute" in done.stderr:
            self.skipTest("the build directory is closed to others")
        self.assertEqual(done.returncode, 1)
        self.assertIn("run it as root", done.stderr)


if __name__ == "__main__":
    main()
