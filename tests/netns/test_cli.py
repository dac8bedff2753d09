#!/usr/bin/python3
"""The programs' contract: options, exit statuses, messages, JSON fields (SPEC 1)."""

import json
import os
import subprocess

from labtest import PHONE1, PROVIDER, ROUTER_WAN, LabTest, main
from lab import program


class Refusals(LabTest):
    """The daemon must not start; every test ends with the ruleset as it was."""

    @classmethod
    def prepare(cls):
        """No daemon runs."""

    def tearDown(self):
        self.assertEqual(self.lab.ruleset(), self.lab.empty_ruleset)

    def refused(self, status, *options, words=(), wrapper=(), config=""):
        done = self.lab.router.run(*wrapper, *self.lab.daemon_argv(*options, config=config), check=False)
        self.assertEqual(done.returncode, status, done.stderr)
        for word in words:
            self.assertIn(word, done.stderr)
        self.assertTrue(done.stderr.strip(), "no message")

    def test_bad_usage(self):
        """SPEC 1: bad options end with status 2 and a message that names the option."""
        for options, word in ((("--sip-port", "99999"), "sip-port"), (("--sip-port", "x"), "sip-port"),
                              (("--mode", "sideways"), "mode"), (("--media-ports", "3000-2000"), "media-ports"),
                              (("--media-ports", "many"), "media-ports"), (("--workers", "2"), "one thread is enough"),
                              (("--accept-in", "inet admin"), "accept-in"), (("--no-such-option",), "no-such-option"),
                              (("--external-address", "300.1.2.3"), "external-address"),
                              (("--log-format", "xml"), "log-format"), (("--log-level", "shout"), "log-level")):
            with self.subTest(options):
                self.refused(2, *options, words=[word])

    def test_bad_configuration_file(self):
        """SPEC 1: a bad line of the file ends with status 2; the message names file, line and option."""
        self.refused(2, config="sip-port = 5060\n\nmedia-ports = 20-10\n", words=["sipalgd.conf", "3", "media-ports"])
        self.refused(2, config="sip-port = 5060\nno-such = 1\n", words=["sipalgd.conf", "2", "no-such"])

    def test_missing_file(self):
        """SPEC 1: a --config FILE that does not exist is bad usage."""
        done = self.lab.router.run(program("sipalgd"), "--foreground", "--config", "/nonexistent/sipalgd.conf",
                                   "--control", self.lab.control, check=False)
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn("/nonexistent/sipalgd.conf", done.stderr)

    def test_accept_chain_of_another_kind(self):
        """A4: an --accept-in chain that forwarded packets do not pass ends with status 2 and a list of suitable
        chains."""
        self.refused(2, "--accept-in", "inet admin input", words=["inet admin input", "inet admin forward"])

    def test_table_of_somebody_else(self):
        """A3: a table of that name that is not the daemon's own is left alone; status 1."""
        self.lab.router.run("nft", "add", "table", "inet", "sipalg")
        try:
            before = self.lab.ruleset()
            self.refused(1, words=["sipalg"])
            self.assertEqual(self.lab.ruleset(), before)
        finally:
            self.lab.router.run("nft", "delete", "table", "inet", "sipalg")

    def test_without_privilege(self):
        """X9: without CAP_NET_ADMIN the daemon ends with status 1 and names the missing capability."""
        self.refused(1, wrapper=("setpriv", "--bounding-set=-net_admin", "--inh-caps=-net_admin"),
                     words=["CAP_NET_ADMIN"])

    def test_kernel_helper(self):
        """X10: with the kernel's own sip helper on port 5060 the daemon refuses to start and names it."""
        rules = ('table ip helpers {\n ct helper siphelper {\n type "sip" protocol udp\n }\n'
                 " chain pre {\n type filter hook prerouting priority -150\n"
                 ' udp dport 5060 ct helper set "siphelper"\n }\n}\n')
        added = self.lab.router.run("nft", "-f", "-", text_in=rules, check=False)
        if added.returncode != 0:
            self.skipTest(f"this kernel has no sip helper: {added.stderr.strip()}")
        try:
            before = self.lab.ruleset()
            self.refused(1, words=["helper"])
            self.assertEqual(self.lab.ruleset(), before)
        finally:
            self.lab.router.run("nft", "delete", "table", "ip", "helpers")

    def test_check(self):
        """SPEC 1: --check prints the ruleset that would be installed, changes nothing and ends with status 0."""
        done = self.lab.router.run(*self.lab.daemon_argv("--check"), check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue(done.stdout.startswith("ok: sipalgd can start"), done.stdout)
        self.assertNotIn("table inet sipalg", done.stdout)
        done = self.lab.router.run(*self.lab.daemon_argv("--check=rules"), check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("table inet sipalg", done.stdout)

    def test_check_without_raw_sockets(self):
        """SPEC 1: --check fails where a start would fail: CAP_NET_RAW."""
        self.refused(1, "--check", wrapper=("setpriv", "--bounding-set=-net_raw", "--inh-caps=-net_raw"),
                     words=["CAP_NET_RAW"])

    def test_check_finds_mistakes(self):
        """SPEC 1: --check of a bad configuration ends with status 2."""
        self.refused(2, "--check", "--mode", "sideways", words=["mode"])

    def test_ctl_without_daemon(self):
        """SPEC 1: `sipalgctl status` fails with a reason when no daemon serves."""
        done = self.lab.ctl_run("status")
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn(self.lab.control, done.stderr)

    def test_ctl_usage(self):
        """SPEC 1: sipalgctl ends with status 2 and a message on bad usage."""
        for argv in ((), ("juggle",), ("calls", "pinholes"), ("--no-such", "status")):
            with self.subTest(argv):
                done = self.lab.ctl_run(*argv)
                self.assertEqual(done.returncode, 2, done.stdout + done.stderr)
                self.assertTrue(done.stderr.strip())

    def test_help_and_version(self):
        """SPEC 1: --help and --version work for every user, without daemon or privilege."""
        for name in ("sipalgd", "sipalgctl"):
            for option in ("--help", "--version"):
                done = subprocess.run([program(name), option], capture_output=True, text=True, timeout=20, check=False)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertTrue(done.stdout.strip())


class Answers(LabTest):
    def test_second_daemon(self):
        """SPEC 1: a second daemon is refused with status 1, for its table and for its queues; the first continues to
        serve."""
        config = self.lab.file("other.conf", "")
        for options, word in (((), "sipalg"), (("--table", "other"), "5060"),
                              (("--table", "other", "--queue", "5058"), "5060")):
            done = self.lab.router.run(program("sipalgd"), "--foreground", "--config", config, "--control",
                                       os.path.join(self.lab.directory, "other.sock"), *options, check=False)
            self.assertEqual(done.returncode, 1, done.stderr)
            self.assertIn(word, done.stderr)
        self.assertEqual(self.lab.ctl_run("status").returncode, 0)
        call = self.call_out()
        call.exchange()

    def test_json(self):
        """SPEC 1: pinholes, bindings and calls have their fields, each of its type."""
        call = self.call_in()
        pinholes = self.pinholes(call.id)
        self.assertEqual(len(pinholes), 2)
        for pinhole in pinholes:
            self.assertEqual((pinhole["proto"], pinhole["media"], pinhole["call_id"], pinhole["state"]),
                             ("udp", "audio", call.id, "open"))
            self.assertEqual(pinhole["remote"].split(":")[0], PROVIDER)
            self.assertIsInstance(pinhole["expires_s"], int)
        self.assertEqual({p["public"] for p in pinholes},
                         {f"{ROUTER_WAN}:{call.peer_told.port}", f"{ROUTER_WAN}:{call.peer_told.rtcp[1]}"})
        self.assertEqual({p["inside"] for p in pinholes}, {f"{PHONE1}:40000", f"{PHONE1}:40001"})
        binding, = self.lab.ctl("bindings")
        self.assertEqual((binding["proto"], binding["public"], binding["inside"]),
                         ("udp", f"{ROUTER_WAN}:5060", f"{PHONE1}:5060"))
        self.assertIn("phone1@", binding["aor"])
        self.assertTrue(0 < binding["expires_s"] <= 600 + 32)
        seen = self.calls()[call.id]
        self.assertEqual(seen["state"], "confirmed")
        self.assertIn("peer@", seen["from"])
        self.assertIn("phone1@", seen["to"])
        self.assertTrue(seen["started"])
        self.assertEqual(len(seen["media"]), 1)

    def test_pinholes(self):
        """O1: `pinholes` lists signalling too, each row with what it serves."""
        call = self.call_in()
        rows = [(p["serves"], p["media"], p["call_id"], p["remote"]) for p in self.lab.ctl("pinholes")]
        self.assertIn(("registration", "sip", "", PROVIDER), rows)
        self.assertIn(("call", "sip", call.id, PROVIDER), rows)
        self.assertIn(("media", "audio", call.id, PROVIDER), rows)
        self.assertIn("registration", self.lab.ctl_run("pinholes").stdout)

    def test_every_listing_is_json(self):
        """SPEC 1: --json prints exactly one JSON document for each listing command."""
        call = self.call_out()
        for command in ("status", "calls", "pinholes", "bindings"):
            with self.subTest(command):
                done = self.lab.ctl_run("--json", command)
                self.assertEqual(done.returncode, 0, done.stderr)
                json.loads(done.stdout)
        self.assertIn(call.id, self.calls())

    def test_tables(self):
        """O1: without --json the same is shown in aligned columns with a heading."""
        call = self.call_out()
        for command, word in (("calls", call.id), ("pinholes", f"{PHONE1}:40000")):
            done = self.lab.ctl_run(command)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn(word, done.stdout)
            self.assertGreaterEqual(len(done.stdout.splitlines()), 2)

    def test_counters(self):
        """O4: status counts messages by the reason for their treatment."""
        def counts():
            return self.lab.ctl("status")["counters"]
        before = counts()
        phone, peer = self.phone(), self.peer()
        phone.send(b"\r\n\r\n", (PROVIDER, 5060))
        peer.udp.receive()
        phone.request("OPTIONS", phone.dialog("peer"))
        peer.hear("OPTIONS")
        after = counts()
        self.assertEqual({word: after[word] - before[word] for word in after if after[word] != before[word]},
                         {"keep_alive": 1, "rewritten": 1})

    def test_check_beside(self):
        """SPEC 1: --check works beside a running daemon, which continues to serve with the same ruleset."""
        before = self.lab.ruleset()
        done = self.lab.router.run(*self.lab.daemon_argv("--check", "--mode", "observe"), check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue(done.stdout.startswith("ok: "), done.stdout)
        self.assertIn("a running sipalgd", done.stdout)
        done = self.lab.router.run(*self.lab.daemon_argv("--check", "--mode", "sideways"), check=False)
        self.assertEqual(done.returncode, 2, done.stdout)
        self.assertEqual(self.lab.ruleset(), before)
        self.call_out().exchange()

    def test_one_call(self):
        """SPEC 1: `call ID` shows one call with its pinholes; the beginning of the Call-ID will do."""
        call = self.call_in()
        for name in (call.id, call.id[:-3]):
            shown = self.lab.ctl("call", name)
            self.assertEqual([one["call_id"] for one in shown["calls"]], [call.id])
            self.assertEqual([p["serves"] for p in shown["pinholes"]].count("media"), 2)
        self.assertIn(call.id, self.lab.ctl_run("call", call.id).stdout)
        one, = shown["calls"]
        titles = [(step["from"], step["title"], step["reason"]) for step in one["ladder"]]
        self.assertEqual(titles[0], ("outside", "INVITE", "rewritten"))
        self.assertIn(("inside", "200 INVITE", "rewritten"), titles)
        self.assertIn("Contact", one["ladder"][-2]["changed"])
        self.assertIn("silence", [timer["reason"] for timer in one["timers"]])
        done = self.lab.ctl_run("call", "no-such-call")
        self.assertEqual(done.returncode, 1)
        self.assertIn("no-such-call", done.stderr)

    def test_ambiguous_call(self):
        """SPEC 1: if several Call-IDs begin with ID, the error lists them."""
        first = self.call_out()
        second = self.call_out(phone=self.phone(2), peer=first.peer, peer_port=30100)
        done = self.lab.ctl_run("call", os.path.commonprefix([first.id, second.id]))
        self.assertEqual(done.returncode, 1)
        for call in (first, second):
            self.assertIn(call.id, done.stderr)

    def test_packets_of_a_call(self):
        """O1: `call ID` has the packets and bytes of each pinhole, from conntrack."""
        self.lab.router.set("net/netfilter/nf_conntrack_acct", 1)
        self.addCleanup(self.lab.router.set, "net/netfilter/nf_conntrack_acct", 0)
        call = self.call_out()
        call.exchange()
        rtp, = [p for p in self.lab.ctl("call", call.id)["pinholes"] if p["component"] == "rtp"]
        self.assertGreater(rtp["packets_from_phone"], 0)
        self.assertGreater(rtp["packets_from_peer"], 0)
        self.assertGreater(rtp["bytes_from_peer"], 28 * rtp["packets_from_peer"])

    def test_ended(self):
        """O9: `calls --ended` shows the reason for which each call ended, the latest first, and the log line has it
        too."""
        first = self.call_out()
        second = self.call_out(phone=self.phone(2), peer=first.peer, peer_port=30100)
        first.hang_up()
        self.lab.ctl("close", second.id)
        rows = self.lab.ctl("calls", "--ended")
        self.assertEqual([(row["call_id"], row["reason"]) for row in rows[:2]], [(second.id, "closed_by_owner"), (first.id, "bye")])
        self.assertEqual((rows[1]["phone"], rows[1]["peer"], rows[1]["direction"]), (PHONE1, PROVIDER, "out"))
        self.assertEqual([media["type"] for media in rows[1]["media"]], ["audio"])
        self.assertEqual(self.lab.ctl("calls", "--ended", "--phone", PHONE1)[0]["call_id"], first.id)
        self.assertIn(f"call ended: {first.id}: BYE; lasted ", self.lab.daemon.output())
        metrics = self.lab.router.run(program("sipalgctl"), "--control", self.lab.control, "metrics").stdout
        self.assertIn('sipalg_calls_ended_total{reason="closed_by_owner"}', metrics)
        self.assertIn("sipalg_queue_packets{queue=", metrics)
        self.assertRegex(metrics, r"sipalg_verdict_seconds_count [1-9]")
        self.assertTrue(metrics.endswith("# EOF\n"))

    def test_close(self):
        """SPEC 1, C7: `close ID` closes the pinholes of that call and of no other; `close --all` all of them."""
        first = self.call_out()
        second = self.call_out(phone=self.phone(2), peer=first.peer, peer_port=30100)
        closed = self.lab.ctl("close", first.id)
        self.assertEqual([one["call_id"] for one in closed["closed"]], [first.id])
        self.assertEqual(closed["pinholes_closed"], 2)
        self.assertEqual(self.pinholes(first.id), [])
        self.assertEqual(len(self.pinholes(second.id)), 2)
        self.assertEqual(self.lab.ctl_run("close", first.id).returncode, 1)
        done = self.lab.ctl_run("close", "--all")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(second.id, done.stdout)
        self.assertEqual(self.pinholes(), [])

    def test_limits(self):
        """X7: `limits` shows every limit with its use."""
        self.call_out()
        rows = {row["name"]: row for row in self.lab.ctl("limits")}
        self.assertEqual((rows["calls"]["in_use"], rows["calls of a phone"]["in_use"]), (1, 1))
        self.assertTrue(all(row["limit"] > 0 for row in rows.values()))
        self.assertIn("calls of a phone", self.lab.ctl_run("limits").stdout)

    def test_reload(self):
        """SPEC 1: `reload` lists changed options and those that need a restart; a bad file changes nothing, and sipalgd
        continues to serve."""
        self.lab.file("sipalgd.conf", "mode = pinhole\nmedia-ports = 20000-30000\n")
        done = self.lab.ctl("reload")
        self.assertEqual((done["changed"], done["needs_restart"]), (["mode"], ["media-ports"]))
        status = self.lab.ctl("status")
        self.assertEqual(status["mode"], "pinhole")
        self.assertTrue(any("media-ports" in warning for warning in status["warnings"]), status["warnings"])
        self.lab.file("sipalgd.conf", "mode = sideways\n")
        refused = self.lab.ctl_run("reload")
        self.assertEqual(refused.returncode, 1, refused.stdout)
        self.assertIn("sipalgd.conf:1: mode", refused.stderr)
        self.assertEqual(self.lab.ctl("status")["mode"], "pinhole")

    def test_groups(self):
        """X9: the control group may query, the admin group may also change, others may do neither."""
        self.lab.stop_daemon()
        self.lab.start_daemon("--control-group", "daemon", "--admin-group", "adm")
        os.chmod(self.lab.directory, 0o755)

        def as_group(group, *argv):
            return subprocess.run(["setpriv", "--reuid", "65533", "--regid", group, "--clear-groups",
                                   program("sipalgctl"), "--control", self.lab.control, *argv],
                                  capture_output=True, text=True, timeout=20, check=False)
        self.assertEqual(as_group("daemon", "status").returncode, 0, as_group("daemon", "status").stderr)
        self.assertEqual(as_group("adm", "status").returncode, 0, as_group("adm", "status").stderr)
        self.assertEqual(as_group("adm", "reload").returncode, 0)
        self.assertEqual(as_group("adm", "close", "--all").returncode, 0)
        for group, command in (("daemon", "reload"), ("games", "status"), ("games", "reload")):
            done = as_group(group, command)
            self.assertEqual(done.returncode, 1, done.stdout)
            self.assertIn("permission denied", done.stderr)

    def test_similar_words(self):
        """SPEC 1: for a mistyped command, a similar one is suggested."""
        done = self.lab.ctl_run("cals")
        self.assertEqual(done.returncode, 2)
        self.assertIn("did you mean 'calls'?", done.stderr)

    def test_password_stays_secret(self):
        """X9: the content of Authorization is never logged, not even at log level debug."""
        phone, peer = self.phone(), self.peer()
        phone.request("REGISTER", phone.dialog("phone1"), more=[
            ("Authorization", 'Digest username="phone1", response="5ec4e7c0ffee5ec4e7c0ffee5ec4e700"')])
        peer.reply(peer.hear("REGISTER"), 403)
        phone.hear(403)
        self.assertNotIn("5ec4e7c0ffee", self.lab.daemon.output())


if __name__ == "__main__":
    main()
