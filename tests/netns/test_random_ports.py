#!/usr/bin/python3
"""Phones that ask a STUN server, behind NAT that gives each flow another public port."""

from labtest import MEDIA_SERVER, PHONE1, PROVIDER, ROUTER_WAN, LabTest, main, rtp, sip
from netns import Timeout, wait_for


class RandomPorts(LabTest):
    @classmethod
    def prepare(cls):
        # None of these ports is one that is never opened (X2).
        cls.lab.router.run("nft", "-f", "-", text_in="""
            flush chain inet admin postrouting
            add rule inet admin postrouting meta nfproto ipv4 oifname "wan" meta l4proto { tcp, udp } masquerade to :20000-65535 random
        """)
        cls.lab.empty_ruleset = cls.lab.ruleset()
        super().prepare()

    def ask_stun(self, end):
        """The public endpoint of the socket, as a STUN server sees it."""
        stun = self.udp(MEDIA_SERVER, 3478)
        end.rtp.send(b"question", (MEDIA_SERVER, 3478))
        public = wait_for(stun.waiting, 3, "the STUN question")[0][1]
        stun.close()
        self.assertEqual(public[0], ROUTER_WAN)
        return public

    def call(self, phone, peer, number, more=""):
        """A call with the present answer of the STUN server: media both ways, then BYE. Returns the public endpoint."""
        ear, voice = self.media(PHONE1, 40000), self.media(PROVIDER, 30000 + 10 * number)
        public = self.ask_stun(ear)
        offer = sip.sdp(public[0], ("audio", public[1], "a=rtcp-mux\n" + more.format(*public)))
        dialog = phone.invite("peer", offer)
        request = peer.hear("INVITE")
        self.assertEqual(request.media[0].port, public[1])
        self.assertNotIn("192.168.", request.body)
        for line in request.body.splitlines():
            if line.startswith("a=candidate"):
                self.assertEqual(line.split()[4:6], [public[0], str(public[1])])
        peer.reply(request, 200, sip.sdp(PROVIDER, ("audio", voice.port, "a=rtcp-mux")))
        phone.confirm(dialog)
        peer.hear("ACK")
        inside = {p["inside"] for p in self.pinholes(dialog.call_id) if p["media"] == "audio"}
        self.assertEqual(inside, {f"{PHONE1}:40000"})
        voice.send(public, 10)
        rtp.expect(ear, voice, 10, (PROVIDER, voice.port))
        ear.send((PROVIDER, voice.port), 10)
        rtp.expect(voice, ear, 10, public)
        phone.request("BYE", dialog)
        peer.reply(peer.hear("BYE"), 200)
        phone.hear(200)
        self.assert_no_pinholes(dialog.call_id)
        # The flow of the STUN request ends, by its timeout or by a scan, and the next one gets another port.
        self.lab.router.run("conntrack", "-D", "-p", "udp", "--orig-port-src", "40000", check=False)
        for end in (ear, voice):
            end.rtp.close()
            end.rtcp.close()
        return public

    def test_two_calls_within_a_minute(self):
        """S2: in the second call the port of the first one no longer counts; media arrive at the port of the latest
        STUN answer."""
        phone, peer = self.phone(), self.peer()
        self.register(phone, peer)
        first = self.call(phone, peer, 1)
        self.assertNotEqual(self.call(phone, peer, 2), first)

    def test_candidates_within_a_minute(self):
        """S2 D2: the host candidate is written with the port of this call, as c= and the reflexive candidate have it."""
        phone, peer = self.phone(), self.peer()
        self.register(phone, peer)
        more = (f"a=candidate:1 1 UDP 2130706431 {PHONE1} 40000 typ host\n"
                "a=candidate:2 1 UDP 1694498815 {0} {1} typ srflx raddr 0.0.0.0 rport 9")
        first = self.call(phone, peer, 1, more)
        self.assertNotEqual(self.call(phone, peer, 2, more), first)

    def test_nothing_is_guessed(self):
        """S2: where NAT changes the phone's ports, a public port without a flow is opened to no port of the phone."""
        phone, peer, ear = self.phone(), self.peer(), self.media(PHONE1, 40000)
        self.register(phone, peer)
        public = self.ask_stun(ear)
        dialog = phone.invite("peer", sip.sdp(public[0], public[1]))
        peer.reply(peer.hear("INVITE"), 200, sip.sdp(PROVIDER, 30000))
        phone.confirm(dialog)
        # RTCP has asked no STUN server.
        inside = {p["inside"] for p in self.pinholes(dialog.call_id) if p["media"] == "audio"}
        self.assertEqual(inside, {f"{PHONE1}:40000"})
        self.udp(PROVIDER, 30001).send(b"\x80\xc9\x00\x01" + bytes(4), (ROUTER_WAN, public[1] + 1))
        with self.assertRaises(Timeout):
            ear.rtcp.receive(0.3)


if __name__ == "__main__":
    main()
