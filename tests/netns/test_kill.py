#!/usr/bin/python3
"""kill -9 in each state of a call, a new daemon after it, and the end that the call then has (A5; CHECKLIST 28)."""

import time

from labtest import PHONE1, PROVIDER, Call, LabTest, main, rtp, sip
from netns import promised, wait_for

SANITIZED = True  # in every run of tests/run also with sanitizers


class Kill(LabTest):
    def killed(self):
        """Kills the daemon and starts another one."""
        self.lab.kill_daemon()
        self.lab.start_daemon()

    def begin(self, early):
        """A call of the phone that rings, with early media if `early`: (call, the peer's request)."""
        phone, peer = self.phone(), self.peer()
        call = Call(self, phone, peer, self.media(PHONE1, 40000), self.media(PROVIDER, 30000))
        call.phone_dialog = phone.invite(peer.user, sip.sdp(PHONE1, 40000), hop=(PROVIDER, 5060))
        request = peer.hear("INVITE")
        call.peer_told = request.media[0]
        peer.reply(request, 183 if early else 180, sip.sdp(PROVIDER, 30000) if early else "")
        progress = phone.hear(180, 183)
        if early:
            call.phone_told = progress.media[0]
        return call, request

    def test_ringing(self):
        """A5 C2, CHECKLIST 28: killed while it rings; the answer reaches the phone, audio goes both ways, BYE closes."""
        call, request = self.begin(early=False)
        self.killed()
        self.assertEqual(self.calls()[call.id]["state"], "early")
        call.answer(request, sip.sdp(PROVIDER, 30000))
        call.exchange()
        call.hang_up()
        self.assert_closed(call)

    def test_early_media(self):
        """A5 C2, CHECKLIST 28: early media continue without a daemon and with the next one; a 486 closes them."""
        call, request = self.begin(early=True)
        call.exchange()
        self.lab.kill_daemon()
        call.exchange()
        self.lab.start_daemon()
        call.exchange()
        call.peer.reply(request, 486)
        call.phone.ack(call.phone_dialog, call.phone.hear(486))
        call.peer.hear("ACK")
        self.assert_closed(call)

    def test_answered_meanwhile(self):
        """A5 A6, CHECKLIST 28: the answer passes while no daemon runs: its media come from an address that the offer
        has admitted."""
        call, request = self.begin(early=True)
        self.lab.kill_daemon()
        call.peer.reply(request, 200, sip.sdp(PROVIDER, 30000))
        wait_for(lambda: call.phone.udp.waiting(), 3, "the answer to pass")
        call.exchange()
        self.lab.start_daemon()
        call.exchange()

    def test_on_hold(self):
        """A5 D3, CHECKLIST 28: killed on hold; nothing is open afterwards, and the resumed call has its port and its
        audio."""
        call = self.call_out()
        public = call.peer_told.port
        call.negotiate("phone", sip.sdp(PHONE1, ("audio", 40000, "a=inactive")),
                       sip.sdp(PROVIDER, ("audio", 30000, "a=inactive")))
        self.killed()
        self.assertEqual(self.pinholes(call.id), [])
        call.negotiate("phone", sip.sdp(PHONE1, 40000), sip.sdp(PROVIDER, 30000))
        self.assertEqual(call.peer_told.port, public)
        call.exchange()
        call.hang_up()
        self.assert_closed(call)

    def test_change_under_way(self):
        """A5 C4, CHECKLIST 28: killed between re-INVITE and answer; a refusal afterwards leaves the session as before."""
        call = self.call_out()
        before = {p["public"] for p in self.pinholes(call.id)}
        call.phone.request("INVITE", call.phone_dialog, sip.sdp(PHONE1, 40020))
        request = call.peer.hear("INVITE")
        self.killed()
        call.exchange()
        call.peer.reply(request, 488)
        call.phone.ack(call.phone_dialog, call.phone.hear(488))
        call.peer.hear("ACK")
        promised(lambda: {p["public"] for p in self.pinholes(call.id)} == before, 1, "the pinholes to be as before")
        call.exchange()
        call.hang_up()
        self.assert_closed(call)

    def test_bye_under_way(self):
        """A5 C6, CHECKLIST 28: killed between BYE and its 200; the 200 closes the call."""
        call = self.call_out()
        call.exchange()
        call.phone.request("BYE", call.phone_dialog)
        bye = call.peer.hear("BYE")
        self.killed()
        call.peer.reply(bye, 200)
        call.phone.hear(200)
        self.assert_closed(call)

    def test_bye_under_way_unanswered(self):
        """A5 C6, CHECKLIST 28: killed after a BYE that is never answered; the phone sends it again, and the call closes
        on time, although media continue."""
        call = self.call_out()
        call.exchange()
        call.phone.request("BYE", call.phone_dialog)
        call.peer.hear("BYE")
        self.killed()
        begun = time.monotonic()
        call.phone.request("BYE", call.phone_dialog, cseq=call.phone_dialog.cseq)  # it is known by this number
        call.peer.hear("BYE")
        call.exchange(count=3)

        def closed():
            call.peer_rtp.send((call.peer_told.address, call.peer_told.port))
            return call.id not in self.calls()
        wait_for(closed, 40, "the call to close")
        self.assertGreater(time.monotonic() - begun, 30)
        self.assert_closed(call)

    def test_cancel_under_way(self):
        """A5 C6, CHECKLIST 28: killed between CANCEL and the 487 of its INVITE; the 487 closes early media."""
        phone, peer = self.phone(), self.peer()
        voice, far = self.media(PHONE1, 40000), self.media(PROVIDER, 30000)
        dialog = phone.invite(peer.user, sip.sdp(PHONE1, 40000), hop=(PROVIDER, 5060))
        request = peer.hear("INVITE")
        peer.reply(request, 183, sip.sdp(PROVIDER, 30000))
        told = phone.hear(183).media[0]
        phone.cancel(dialog)
        cancel = peer.hear("CANCEL")
        self.killed()
        rtp.exchange(voice, told, far, request.media[0], count=3)
        peer.reply(cancel, 200)
        peer.reply(request, 487)
        phone.ack(dialog, phone.hear(487))
        peer.hear("ACK")
        self.assert_no_pinholes(dialog.call_id)
        far.send((request.media[0].address, request.media[0].port))
        voice.hears_nothing()

    def test_incoming_rings(self):
        """A5 C8, CHECKLIST 28: a call to a registered phone rings, the daemon is killed; the phone's answer brings audio."""
        phone, peer = self.phone(), self.peer()
        registration, _ = self.register(phone, peer)
        call = Call(self, phone, peer, self.media(PHONE1, 40000), self.media(PROVIDER, 30000))
        call.peer_dialog = peer.invite(phone.user, sip.sdp(PROVIDER, 30000), contact=registration.get("Contact"))
        request = phone.hear("INVITE")
        phone.reply(request, 180)
        peer.hear(180)
        self.killed()
        call.answer(request, sip.sdp(PHONE1, 40000), by="phone")
        call.exchange(first="right")
        call.hang_up(by="peer")
        self.assert_closed(call)


if __name__ == "__main__":
    main()
