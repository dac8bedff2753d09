#!/usr/bin/python3
"""Media of hosts that a phone may announce: phones behind a PBX, and the phone's own address of the other family
(N5)."""

import rtp
import sip
import test_ipv6
from lab import MEDIA_SERVER_6, PHONE1_6, STRANGER_6
from labtest import MEDIA_SERVER, PHONE1, PHONE2, PROVIDER, ROUTER_WAN, STRANGER, Call, LabTest, main
from netns import wait_for

CONFIG = f"[phone {PHONE1}]\ndelegates = {PHONE2}\ndelegates = {PHONE1_6}\n"


class Delegates(LabTest):
    @classmethod
    def prepare(cls):
        test_ipv6.IPv6.prepare.__func__(cls)
        cls.lab.stop_daemon()
        cls.lab.start_daemon(config=CONFIG)

    def setUp(self):
        super().setUp()  # starts the daemon without the content of the file
        self.configure(CONFIG)

    def offer(self, description):
        """The PBX's INVITE with this description, as it arrives at the provider."""
        pbx, peer = self.phone(), self.peer()
        call = Call(self, pbx, peer, None, None)
        call.phone_dialog = pbx.invite("peer", description)
        return call, peer.hear("INVITE")

    def test_phone_behind_pbx(self):
        """N5 C7: a call of the PBX whose media are at another host inside: both directions, and closed by BYE."""
        call, request = self.offer(sip.sdp(PHONE2, 42000, origin=PHONE1))
        call.phone_rtp, call.peer_rtp = self.media(PHONE2, 42000), self.media(MEDIA_SERVER, 30000)
        call.answer(request, sip.sdp(MEDIA_SERVER, 30000))
        self.assertEqual((call.peer_told.address, call.peer_told.port), (ROUTER_WAN, 42000))
        call.exchange(first="right")
        call.exchange()
        self.assert_no_inside_address_outside()
        stranger = self.media(STRANGER, 31000)
        call.phone_rtp.forget()
        stranger.send((ROUTER_WAN, 42000))
        call.phone_rtp.hears_nothing()
        call.hang_up()
        self.assert_closed(call)

    def test_third_host(self):
        """N5 X1: a host that the owner has not listed gets nothing, and its address is not changed."""
        _, request = self.offer(sip.sdp("192.168.2.13", 42000, origin=PHONE1))
        self.assertEqual(request.media[0].address, "192.168.2.13")
        self.assertEqual(self.pinholes(), [])

    def test_dual_stack(self):
        """N5 N2: an offer over IPv4 with both families; the peer chooses IPv6, where no byte changes, and its media
        arrive."""
        description = sip.sdp(PHONE1, ("audio", 40000, f"a=altc:1 IP6 {PHONE1_6} 41000\na=altc:2 IP4 {PHONE1} 40000"))
        call, request = self.offer(description)
        self.assertEqual(request.body, description.replace(PHONE1, ROUTER_WAN))
        voice = rtp.RtpPort(self.lab, self.lab.phone1, PHONE1_6, 41000)
        far = rtp.RtpPort(self.lab, self.lab.provider, MEDIA_SERVER_6, 30000)
        stranger = rtp.RtpPort(self.lab, self.lab.stranger, STRANGER_6, 31000)
        call.answer(request, test_ipv6.description(MEDIA_SERVER_6, 30000))
        to_peer = sip.Media("audio", MEDIA_SERVER_6, 30000, (MEDIA_SERVER_6, 30001), "sendrecv")
        to_phone = sip.Media("audio", PHONE1_6, 41000, (PHONE1_6, 41001), "sendrecv")
        rtp.exchange(voice, to_peer, far, to_phone, first="right")
        voice.forget()
        stranger.send((PHONE1_6, 41000))
        voice.hears_nothing()
        call.hang_up()
        self.assert_no_pinholes(call.id)
        wait_for(lambda: not self.lab.conntrack("-f", "ipv6", "-p", "udp", "--orig-port-dst", "41000"), 1,
                 "the media flows to leave conntrack")
        voice.forget()
        far.send((PHONE1_6, 41000))
        voice.hears_nothing()

    def test_as_phone_is_told(self):
        """N5 S4: an incoming call to the PBX, answered with another host's media; the peer's messages arrive with the
        inside addresses."""
        pbx, peer = self.phone(), self.peer()
        registration, _ = self.register(pbx, peer)
        call = Call(self, pbx, peer, self.media(PHONE2, 42000), self.media(PROVIDER, 30000))
        call.peer_dialog = peer.invite("phone1", sip.sdp(PROVIDER, 30000), contact=registration.get("Contact"))
        request = pbx.hear("INVITE")
        call.answer(request, sip.sdp(PHONE2, 42000, origin=PHONE1), by="phone")
        call.exchange(first="right")
        call.hang_up(by="peer")
        self.assert_closed(call)


if __name__ == "__main__":
    main()
