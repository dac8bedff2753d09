#!/usr/bin/python3
"""The treatment of messages, for all, per peer and per phone: mode auto, pinhole, observe, off (S2, O7)."""

import signal

from labtest import PHONE1, PROVIDER, ROUTER_WAN, Call, LabTest, main, sip
from netns import promised, wait_for


class Modes(LabTest):
    def passes(self, sent, heard):
        self.assertEqual(sent, heard.raw)

    def register_untouched(self, phone, peer):
        """A REGISTER at a provider that handles NAT itself: it answers to the source of the packet."""
        sent = phone.request("REGISTER", phone.dialog(phone.user), more=[("Expires", "600")])
        request = peer.hear("REGISTER")
        self.passes(sent, request)
        self.passes(peer.reply(request, 200, more=[("Contact", f"{request.get('Contact')};expires=600")]), phone.hear(200))
        return request

    def latched_media(self, call):
        """The provider sends media to the source of the phone's media."""
        call.phone_rtp.send((PROVIDER, call.peer_rtp.port), 5)
        wait_for(lambda: call.peer_rtp.listen() or len(call.peer_rtp.heard) == 5, 3, "the phone's audio")
        call.peer_rtp.send(call.peer_rtp.heard[-1].source, 5)
        wait_for(lambda: call.phone_rtp.listen() or len(call.phone_rtp.heard) == 5, 3, "the peer's audio")

    def call_in_untouched(self, phone, peer, registration):
        """The provider calls the contact as the phone wrote it, at the address that it has seen."""
        call = Call(self, phone, peer, self.media(PHONE1, 40000), self.media(PROVIDER, 30000))
        target = f"sip:{phone.user}@{PHONE1}:5060"
        call.peer_dialog = peer.invite(phone.user, sip.sdp(PROVIDER, 30000), hop=registration.source, target=target)
        request = phone.hear("INVITE")
        self.passes(call.peer_dialog.invite.raw, request)
        call.phone_dialog = phone.accept(request)
        self.passes(phone.reply(request, 200, sip.sdp(PHONE1, 40000)), peer.hear(200))
        call.phone_told = request.media[0]
        return call

    def close(self, call):
        call.hang_up()
        self.assert_no_pinholes(call.id)

    def test_pinhole(self):
        """S2, CHECKLIST 12: with a provider that checks bytes, none changes; calls come in and out, media pass both ways."""
        self.configure(f"[peer {PROVIDER}]\nmode = pinhole\n")
        phone, peer = self.phone(), self.peer()
        registration = self.register_untouched(phone, peer)
        call = self.call_in_untouched(phone, peer, registration)
        self.assertEqual({p["inside"] for p in self.pinholes(call.id)}, {f"{PHONE1}:40000", f"{PHONE1}:40001"})
        self.latched_media(call)
        self.close(call)
        sent = phone.invite("peer", sip.sdp(PHONE1, 40002)).invite.raw
        self.passes(sent, peer.hear("INVITE"))
        self.assertEqual(self.lab.ctl("counters")["rewritten"], 0)
        self.assertEqual([b["treatment"] for b in self.lab.ctl("bindings")], ["untouched"])

    def test_auto_learns(self):
        """S2, CHECKLIST 12: a provider that calls the private contact handles NAT itself; from then on nothing changes,
        and the log says so once."""
        phone, peer = self.phone(), self.peer()
        request, _ = self.register(phone, peer)
        self.assertEqual(sip.host_port(sip.uri_of(request.get("Contact"))), (ROUTER_WAN, 5060))
        call = self.call_in_untouched(phone, peer, request)
        self.latched_media(call)
        self.assertEqual(self.calls()[call.id]["treatment"], "untouched")
        self.close(call)
        self.register_untouched(phone, peer)
        self.lab.kill_daemon()
        self.lab.start_daemon()
        self.register_untouched(phone, peer)
        self.assertEqual([b["treatment"] for b in self.lab.ctl("bindings")], ["untouched"])

    def test_auto_says_it_once(self):
        """S2: one line in the log for the conclusion; the line of each call has the reason."""
        phone, peer = self.phone(), self.peer()
        request, _ = self.register(phone, peer)
        for _ in range(2):
            self.close(self.call_in_untouched(phone, peer, request))
            self.lab.close_sockets()
            phone, peer = self.phone(), self.peer()
        lines = self.lab.daemon.output().splitlines()
        said = [line for line in lines if "info: peer handles NAT itself" in line]
        self.assertEqual(len(said), 1, said)
        calls = [line for line in lines if "call offered" in line]
        self.assertEqual([line.endswith("; messages are not changed: the peer handles NAT itself") for line in calls], [True, True])
        self.assertIn(f"{PHONE1} at {PROVIDER}", said[0])

    def test_observe(self):
        """O7: neither the kernel nor a message is changed; the changes that would be made are shown and logged."""
        self.configure("mode = observe\n")
        phone, peer = self.phone(), self.peer()
        dialog = phone.invite("peer", sip.sdp(PHONE1, 40000))
        request = peer.hear("INVITE")
        self.passes(dialog.invite.raw, request)
        call, = self.lab.ctl("calls")
        self.assertEqual((call["call_id"], call["observed"]), (dialog.call_id, True))
        self.assertEqual(self.pinholes(dialog.call_id), [])
        self.trying(phone, peer, request)
        pinhole = self.pinholes(dialog.call_id)[0]
        self.assertEqual((pinhole["public"], pinhole["observed"]), (f"{ROUTER_WAN}:40000", True))
        self.assertIn("(observed)", self.lab.ctl_run("pinholes").stdout)
        for name in ("pinholes", "mappings_out"):
            self.assertEqual(self.lab.members(name, "map" if name == "mappings_out" else "set"), [])
        # The record of the clock only: its id is 0.
        self.assertEqual(" ".join(self.lab.members("records")).count("timeout"), 1, self.lab.members("records"))
        self.assertIn("observe only: call offered", self.lab.daemon.output())
        self.assertGreater(self.lab.ctl("counters")["would_rewrite"], 0)
        self.assertEqual(self.lab.ctl("status")["mode"], "observe")
        self.assertEqual(self.lab.ctl("status")["calls"], 0)
        peer.reply(request, 486)
        phone.hear(486)
        promised(lambda: not self.lab.ctl("calls"), 1, "the observed call to end")

    def test_off_and_live(self):
        """S2: messages of a phone with mode off are not read; SIGHUP changes that for the next message, a mistake
        nothing."""
        self.configure(f"[phone {PHONE1}]\nmode = off\n")
        phone, peer = self.phone(), self.peer()
        self.passes(phone.invite("peer", sip.sdp(PHONE1, 40000)).invite.raw, peer.hear("INVITE"))
        counters = self.lab.ctl("counters")
        self.assertEqual((counters["switched_off"], counters["rewritten"]), (1, 0))
        self.assertEqual(self.lab.ctl("calls"), [])
        self.reconfigure(f"[phone {PHONE1}]\nmode = rewrite\n")
        phone.invite("peer", sip.sdp(PHONE1, 40000))
        self.assertEqual(peer.hear("INVITE").media[0].address, ROUTER_WAN)
        self.lab.file("sipalgd.conf", "mode = on\n")
        self.lab.daemon.send(signal.SIGHUP)
        wait_for(lambda: "sipalgd.conf:1: mode: 'on' is not a mode (expected auto" in self.lab.daemon.output(), 3, "the complaint")
        phone.invite("peer", sip.sdp(PHONE1, 40000))
        self.assertEqual(peer.hear("INVITE").media[0].address, ROUTER_WAN)


if __name__ == "__main__":
    main()
