#!/usr/bin/python3
"""WebRTC endpoints call each other over SIP: ICE, DTLS-SRTP, and descriptions with all that browsers write."""

import unittest

import webrtc
from labtest import PHONE1, PROVIDER, LabTest, main
from sip_tcp import TcpAgent

ENOUGH = 100  # frames of 10 ms


@unittest.skipUnless(webrtc.installed(), "needs npm's package @roamhq/wrtc (npm install --global @roamhq/wrtc)")
class WebRtcCalls(LabTest):
    def ends(self):
        """(phone, peer), each a SIP element over TCP and a WebRTC endpoint."""
        phone = TcpAgent(self.lab, self.lab.phone1, PHONE1, 5060, "phone1", (PROVIDER, 5060))
        peer = TcpAgent(self.lab, self.lab.provider, PROVIDER, 5060, "peer")
        return (phone, webrtc.WebRtc(self.lab, self.lab.phone1)), (peer, webrtc.WebRtc(self.lab, self.lab.provider))

    def talk(self, caller, caller_media, dialog, callee, callee_media):
        """From the sent INVITE to a conversation. The callee's dialog."""
        request = callee.hear("INVITE")
        callee_dialog = callee.accept(request)
        callee.reply(request, 180)
        callee.reply(request, 200, callee_media.answer(request.body))
        final = caller.confirm(dialog)
        callee.hear("ACK")
        caller_media.accept(final.body)
        caller_media.hears(ENOUGH)
        callee_media.hears(ENOUGH)
        return callee_dialog

    def test_outgoing(self):
        """D1 D2 D5, CHECKLIST 6: an endpoint inside calls out; sound both ways through the one pinhole of its bundle."""
        (phone, inside), (peer, outside) = self.ends()
        dialog = phone.invite(peer.user, inside.offer())
        self.talk(phone, inside, dialog, peer, outside)
        self.assertEqual({p["component"] for p in self.pinholes(dialog.call_id)}, {"rtp"})
        self.bye(phone, dialog, peer)
        self.assert_no_pinholes(dialog.call_id)
        self.assert_no_inside_address_outside()

    def test_incoming(self):
        """D1 D2 C8, CHECKLIST 6: an endpoint inside that has registered is called; sound both ways."""
        (phone, inside), (peer, outside) = self.ends()
        registration, _ = self.register(phone, peer)
        dialog = peer.invite(phone.user, outside.offer(), contact=registration.get("Contact"))
        its_dialog = self.talk(peer, outside, dialog, phone, inside)
        self.bye(phone, its_dialog, peer)
        self.assert_no_pinholes(dialog.call_id)
        self.assert_no_inside_address_outside()


if __name__ == "__main__":
    main()
