#!/usr/bin/python3
"""Calls that are closed only by a timeout. This is one test because all its parts wait for the same two minutes."""

import time

from labtest import PHONE1, PROVIDER, Call, LabTest, main, sip
from netns import wait_for

SESSION = ("Session-Expires", "90;refresher=uac")


class Timers(LabTest):
    def session(self, phone, peer, port):
        """A confirmed call whose session must be refreshed within 90 s."""
        call = Call(self, phone, peer, self.media(PHONE1, port), self.media(PROVIDER, port - 10000))
        call.phone_dialog = phone.invite(peer.user, sip.sdp(PHONE1, port), hop=(PROVIDER, 5060),
                                         more=[("Supported", "timer"), SESSION])
        request = peer.hear("INVITE")
        call.answer(request, sip.sdp(PROVIDER, port - 10000), more=[("Require", "timer"), SESSION])
        call.exchange(count=3)
        return call

    def test_time_closes(self):
        """C6, CHECKLIST 27: sessions that are refreshed continue; others, and calls whose BYE is lost, close."""
        phone, peer = self.phone(), self.peer()
        begun = time.monotonic()
        # Its BYE was lost before it reached the router, so the call has no end: media of one side continue.
        lost = self.session(phone, peer, 40000)
        refreshed = self.session(phone, peer, 40100)
        unanswered = self.session(phone, peer, 40200)
        phone.request("BYE", unanswered.phone_dialog)
        peer.hear("BYE")
        unanswered.exchange(count=3)
        wait_for(lambda: unanswered.id not in self.calls(), 40, "the call whose BYE nobody answers to close")
        self.assertGreater(time.monotonic() - begun, 30)
        self.assert_closed(unanswered)
        wait_for(lambda: time.monotonic() - begun > 60, 60, "the time of a refresh")
        phone.request("UPDATE", refreshed.phone_dialog, more=[("Supported", "timer"), SESSION])
        peer.reply(peer.hear("UPDATE"), 200, more=[("Require", "timer"), SESSION])
        phone.hear(200)

        def over():
            lost.peer_rtp.send((lost.peer_told.address, lost.peer_told.port))
            refreshed.phone_rtp.send((refreshed.phone_told.address, refreshed.phone_told.port))
            return lost.id not in self.calls()
        wait_for(over, 80, "the session that nobody refreshes to close")
        self.assertGreater(time.monotonic() - begun, 90)
        self.assert_closed(lost)
        refreshed.exchange(count=3)
        refreshed.hang_up()
        self.assert_closed(refreshed)


if __name__ == "__main__":
    main()
