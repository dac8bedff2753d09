#!/usr/bin/python3
"""The daemon starts, stops, crashes and restarts, with calls in progress."""

import signal

from labtest import PHONE1, PROVIDER, LabTest, main, sip

SANITIZED = True  # in every run of tests/run also with sanitizers


class Life(LabTest):
    def test_clean_stop(self):
        """SPEC 1: SIGTERM during a call removes every rule, chain and table of the daemon, and nothing of other
        programs."""
        call = self.call_in()
        call.exchange()
        self.assertNotEqual(self.lab.ruleset(), self.lab.empty_ruleset)
        self.lab.stop_daemon()  # compares the ruleset with the one before

    def test_interrupt(self):
        """SPEC 1: SIGINT is as clean a stop as SIGTERM."""
        daemon, self.lab.daemon = self.lab.daemon, None
        self.assertEqual(daemon.stop(signal.SIGINT), 0, daemon.output()[-2000:])
        self.assertEqual(self.lab.ruleset(), self.lab.empty_ruleset)

    def test_killed(self):
        """A5 A6, CHECKLIST 28: after kill -9 audio continues and SIP still passes; the next daemon knows the call, and
        BYE closes it."""
        call = self.call_out()
        call.exchange()
        before = {(p["public"], p["inside"], p["remote"]) for p in self.pinholes(call.id)}
        self.lab.kill_daemon()
        call.exchange()
        call.phone.request("OPTIONS", call.phone.dialog("peer"))
        call.peer.reply(call.peer.hear("OPTIONS"), 200)
        call.phone.hear(200)
        self.lab.start_daemon()
        self.assertEqual(self.calls()[call.id]["state"], "confirmed")
        self.assertEqual({(p["public"], p["inside"], p["remote"]) for p in self.pinholes(call.id)}, before)
        call.exchange()
        call.hang_up()
        self.assert_closed(call)

    def test_killed_fresh_media(self):
        """A5: without a daemon, even a media flow without a conntrack entry starts again, from the same port."""
        call = self.call_out()
        call.exchange()
        self.lab.kill_daemon()
        self.lab.forget_flows()
        call.exchange(first="right")
        self.lab.start_daemon()
        call.exchange()
        call.hang_up(by="peer")
        self.assert_closed(call)

    def test_another_clock(self):
        """A5: a daemon whose clock is 100,000 s ahead restores the same deadlines; so does the next one, on the old clock."""
        call = self.call_in()
        before = {p["public"]: p["expires_s"] for p in self.pinholes()}
        until = self.lab.ctl("bindings")[0]["expires_s"]
        self.assertTrue(before)
        for wrapper in (("unshare", "--time", "--boottime", "100000", "--fork", "--kill-child"), ()):
            self.lab.kill_daemon()
            self.lab.start_daemon(wrapper=wrapper)
            self.assertEqual(self.calls()[call.id]["state"], "confirmed")
            after = {p["public"]: p["expires_s"] for p in self.pinholes()}
            self.assertEqual(set(after), set(before))
            for public, seconds in after.items():
                self.assertTrue(before[public] - 20 <= seconds <= before[public] + 2, (before, after))
            self.assertTrue(until - 20 <= self.lab.ctl("bindings")[0]["expires_s"] <= until + 2)
        call.exchange()
        call.hang_up()
        self.assert_closed(call)

    def test_killed_incoming(self):
        """A5 C8: a binding survives kill -9: after the restart the registrar still reaches the phone."""
        phone, peer = self.phone(), self.peer()
        registration, _ = self.register(phone, peer)
        self.lab.kill_daemon()
        self.lab.forget_flows()
        self.lab.start_daemon()
        self.assertEqual([b["inside"] for b in self.lab.ctl("bindings")], [f"{PHONE1}:5060"])
        peer.invite("phone1", sip.sdp(PROVIDER, 30000), contact=registration.get("Contact"))
        self.assertEqual(phone.hear("INVITE").uri, f"sip:phone1@{PHONE1}:5060")

    def test_clean_restart_loses_calls_cleanly(self):
        """A6: after a clean stop the router is as without an ALG, and a new start serves new calls."""
        call = self.call_out()
        self.lab.stop_daemon()
        call.phone.request("OPTIONS", call.phone.dialog("peer"))
        heard = call.peer.hear("OPTIONS")
        self.assertIn(PHONE1, heard.get("Via"), "nobody rewrites any more")
        self.lab.start_daemon()
        self.lab.fresh()
        call = self.call_out()
        call.exchange()
        call.hang_up()
        self.assert_closed(call)


if __name__ == "__main__":
    main()
