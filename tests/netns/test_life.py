#!/usr/bin/python3
"""The daemon starts, stops, crashes and restarts, with calls in progress."""

import os
import signal
import time

from labtest import PHONE1, PHONE2, PHONE3, PROVIDER, LabTest, main, sip, wait_for

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

    def test_stopped_without_a_state(self):
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

    def test_stopped_and_started(self):
        """A5 O9: a clean stop and a start a second later keep a live call, the registration of an idle phone, proofs, and the
        history of calls."""
        phone, peer = self.phone(2), self.peer()
        registration, _ = self.register(phone, peer)
        caller = self.phone()
        ended = self.call_out(caller, peer)
        ended.hang_up()
        history = self.lab.ctl("calls", "--ended")
        self.assertEqual(history[0]["call_id"], ended.id)
        call = self.call_out(caller, peer, 40010, 30010)
        call.exchange()
        before = {(p["public"], p["inside"], p["remote"]) for p in self.pinholes(call.id)}
        self.lab.stop_daemon(keep=True)
        self.assertEqual(os.stat(self.lab.state_file).st_mode & 0o7777, 0o600)
        call.exchange()
        time.sleep(1)
        self.lab.start_daemon()
        self.assertFalse(os.path.exists(self.lab.state_file), "removed once the kernel has it")
        self.assertEqual(self.calls()[call.id]["state"], "confirmed")
        self.assertEqual(self.lab.ctl("calls", "--ended"), history)
        self.assertEqual({(p["public"], p["inside"], p["remote"]) for p in self.pinholes(call.id)}, before)
        self.lab.forget_flows()  # of the idle phone
        peer.invite("phone2", sip.sdp(PROVIDER, 30000), contact=registration.get("Contact"))
        self.assertEqual(phone.hear("INVITE").uri, f"sip:phone2@{PHONE2}:5060")
        call.exchange()
        call.hang_up()
        self.assert_closed(call)

    def test_stopped_for_ten_minutes(self):
        """A5: after ten minutes the idle phone is still registered; a call with a flow of media or only of signalling goes on,
        one without a flow has ended."""
        phone, peer = self.phone(2), self.peer()
        registration, _ = self.register(phone, peer, granted=3600)
        caller = self.phone()
        silent, call = self.call_out(caller, peer), self.call_out(caller, peer, 40010, 30010)
        gone = self.call_out(self.phone(3), peer, 40020, 30020)
        self.assertEqual(set(self.calls()), {silent.id, call.id, gone.id})
        until = self.lab.ctl("bindings")[0]["expires_s"]
        self.lab.stop_daemon(keep=True)
        call.exchange()
        self.lab.router.run("conntrack", "-D", "--orig-src", PHONE3)
        self.assertFalse(self.lab.flows(f"src={PHONE1}", "dport=30000"), "media of the silent call")
        self.lab.start_daemon(wrapper=("unshare", "--time", "--boottime", "600", "--fork", "--kill-child"))
        wait_for(lambda: set(self.calls()) == {silent.id, call.id}, 5, "the call without a flow to end")
        self.assertTrue(until - 620 <= self.lab.ctl("bindings")[0]["expires_s"] <= until - 600)
        peer.invite("phone2", sip.sdp(PROVIDER, 30000), contact=registration.get("Contact"))
        self.assertEqual(phone.hear("INVITE").uri, f"sip:phone2@{PHONE2}:5060")
        call.exchange()
        self.lab.kill_daemon()  # unshare passes no other signal on
        self.lab.start_daemon()

    def test_state_file_refused(self):
        """A5: a state file that is truncated, or that others can read, is not used, and the log says why."""
        for damage, words in ((lambda path: os.truncate(path, 60), "it is damaged or truncated"),
                              (lambda path: os.chmod(path, 0o644), "its mode is not 0600")):
            self.call_out()
            self.lab.stop_daemon(keep=True)
            damage(self.lab.state_file)
            self.lab.start_daemon()
            self.assertIn(words, self.lab.daemon.output())
            self.assertEqual(self.calls(), {})
            self.lab.fresh()

    def test_state_file_without_room(self):
        """A5: a stop that cannot write the state file says what is lost, and is a clean stop otherwise."""
        self.lab.stop_daemon()
        self.lab.start_daemon("--state", "/proc/1/state")
        self.call_out()
        daemon = self.lab.daemon
        self.lab.stop_daemon()
        self.assertIn("cannot write the state file /proc/1/state", daemon.output())
        self.assertIn("1 calls and 0 registrations are lost", daemon.output())
        self.lab.start_daemon()

    def test_state_file_on_a_full_disk(self):
        """A5: a stop without room for the state file says what is lost."""
        self.lab.stop_daemon()
        full = os.path.join(self.lab.directory, "full")
        mount = (f"mkdir {full} && mount -t tmpfs -o size=64k tmpfs {full} && ! head -c 70000 /dev/zero >{full}/filler; "
                 'exec "$@"')
        self.lab.start_daemon("--state", f"{full}/state", wrapper=("sh", "-c", mount, "sh"))
        self.call_out()
        daemon = self.lab.daemon
        self.lab.stop_daemon()
        self.assertIn(f"cannot write the state file {full}/state: No space left on device", daemon.output())
        self.assertIn("1 calls and 0 registrations are lost", daemon.output())
        self.lab.start_daemon()
        self.assertEqual(self.calls(), {})

    def test_state_directory(self):
        """A5 X9: a missing directory of the state file is made for the daemon's user alone; the next start reads the file."""
        self.lab.stop_daemon()
        place = os.path.join(self.lab.directory, "kept")
        self.lab.start_daemon("--state", f"{place}/state")
        self.assertEqual(os.stat(place).st_mode & 0o7777, 0o700)
        call = self.call_out()
        self.lab.stop_daemon()
        self.assertEqual(os.listdir(place), ["state"])
        self.lab.start_daemon("--state", f"{place}/state")
        self.assertEqual(set(self.calls()), {call.id})
        self.lab.stop_daemon()
        self.lab.start_daemon()


if __name__ == "__main__":
    main()
