#!/usr/bin/python3
"""Nothing opens before the far end has answered (X11): attacks by hosts whose messages are not forwarded, and normal
calls, which are not impaired."""

import contextlib

import forge
import rtp
from labtest import MEDIA_SERVER, PHONE1, PHONE2, PROVIDER, ROUTER_WAN, LabTest, main, sip, wait_for
from test_sources import invite


class Proofs(LabTest):
    @contextlib.contextmanager
    def owner_rule(self, *words):
        """Keeps a rule at the head of the owner's forward chain for the duration of the block."""
        said = self.lab.router.run("nft", "-a", "-e", "insert", "rule", "inet", "admin", "forward", *words).stdout
        try:
            yield
        finally:
            self.lab.router.run("nft", "delete", "rule", "inet", "admin", "forward", "handle",
                                said.split("# handle ")[1].split()[0])

    def assert_closed_to(self, phone_address, port, source=PROVIDER):
        """The call is known, and packets of `source` to its public port do not come in."""
        wait_for(lambda: self.lab.ctl("calls"), 3, "the call")
        self.assertEqual(self.pinholes(), [])
        ear, voice = self.media(phone_address, port), self.media(source, 30000)
        voice.send((ROUTER_WAN, port), 3)
        voice.send_rtcp((ROUTER_WAN, port + 1))
        ear.hears_nothing()

    def test_forbidden_host(self):
        """X11: a host that the owner's rules keep from going outside gets no pinhole."""
        with self.owner_rule("ip", "saddr", PHONE2, "drop"):
            self.phone(2).invite("peer", sip.sdp(PHONE2, 40000))
            self.assert_closed_to(PHONE2, 40000)

    def test_no_hops_left(self):
        """X11: a packet that the router does not forward, because its TTL has run out, opens nothing."""
        _, text = invite(PHONE1, PROVIDER)
        forge.udp(self.lab.phone1, forge.link_address(self.lab.router, "lan"), (PHONE1, 5060), (PROVIDER, 5060), text,
                  hops=1)
        self.assert_closed_to(PHONE1, 40000)

    def test_reverse_path_filter(self):
        """X11: a host whose packets rp_filter drops opens nothing, even with any-interface = yes."""
        self.reconfigure("[phone 192.168.1.0/24]\nany-interface = yes\n")
        self.lab.router.set("net/ipv4/conf/lan2/rp_filter", 1)
        try:
            _, text = invite(PHONE1, PROVIDER)
            forge.udp(self.lab.phone3, forge.link_address(self.lab.router, "lan2"), (PHONE1, 5060), (PROVIDER, 5060), text)
            self.assert_closed_to(PHONE1, 40000)
        finally:
            self.lab.router.set("net/ipv4/conf/lan2/rp_filter", 0)

    def test_silent_peer(self):
        """X11: an INVITE that is not answered opens nothing; 100 Trying opens before it is delivered."""
        phone, peer = self.phone(), self.peer()
        ear, voice = self.media(PHONE1, 40000), self.media(PROVIDER, 30000)
        dialog = phone.invite("peer", sip.sdp(PHONE1, 40000))
        request = peer.hear("INVITE")
        told = request.media[0]
        voice.send((told.address, told.port), 3)
        ear.hears_nothing()
        self.assertEqual(self.pinholes(dialog.call_id), [])
        peer.reply(request, 100)
        phone.hear(100)
        voice.send((told.address, told.port))
        rtp.expect(ear, voice, 1, (PROVIDER, 30000))

    def test_early_media_of_a_first_183(self):
        """X11, C3: if a 183 is the first answer, the pinholes for its media are open when it is delivered."""
        phone, peer = self.phone(), self.peer()
        ear, voice = self.media(PHONE1, 40000), self.media(MEDIA_SERVER, 30000)
        phone.invite("peer", sip.sdp(PHONE1, 40000))
        request = peer.hear("INVITE")
        peer.reply(request, 183, sip.sdp(MEDIA_SERVER, 30000))
        phone.hear(183)
        voice.send((request.media[0].address, request.media[0].port))
        rtp.expect(ear, voice, 1, (MEDIA_SERVER, 30000))

    def test_registered(self):
        """X11: a registration has proven its registrar, so an INVITE opens pinholes at once."""
        phone, peer = self.phone(), self.peer()
        self.register(phone, peer)
        dialog = phone.invite("peer", sip.sdp(PHONE1, 40000))
        peer.hear("INVITE")
        self.assertEqual({p["state"] for p in self.pinholes(dialog.call_id) if p["media"] == "audio"}, {"early"})

    def test_allowed_trunk(self):
        """X11, N3: a peer that the owner allows is proven, so its early media need no answer."""
        self.reconfigure(f"[peer {PROVIDER}]\nallowed = yes\n")
        phone, peer = self.phone(), self.peer()
        dialog = phone.invite("peer", sip.sdp(PHONE1, 40000))
        peer.hear("INVITE")
        self.assertEqual({p["state"] for p in self.pinholes(dialog.call_id) if p["media"] == "audio"}, {"early"})

    def test_answer_from_another_port(self):
        """X11: a peer that first answers from another port, neither registrar nor allowed, is not let in."""
        phone, peer = self.phone(), self.peer()
        dialog = phone.invite("peer", sip.sdp(PHONE1, 40000))
        request = peer.hear("INVITE")
        elsewhere = self.peer(port=5070)
        elsewhere.reply(request, 183, sip.sdp(PROVIDER, 30000))
        phone.udp.hears_nothing()
        self.assertEqual(self.pinholes(dialog.call_id), [])

    def test_restart_between_invite_and_answer(self):
        """X11, A5: the proof by the 100 outlives the daemon; so does an INVITE without an answer."""
        for provisional in (True, False):
            with self.subTest(provisional=provisional):
                phone, peer = self.phone(), self.peer()
                dialog = phone.invite("peer", sip.sdp(PHONE1, 40000))
                request = peer.hear("INVITE")
                if provisional:
                    self.trying(phone, peer, request)
                self.lab.kill_daemon()
                self.lab.start_daemon()
                self.assertEqual(bool(self.pinholes(dialog.call_id)), provisional)
                dialog_of_peer = peer.accept(request)
                peer.reply(request, 200, sip.sdp(PROVIDER, 30000))
                phone.confirm(dialog)
                peer.hear("ACK")
                ear, voice = self.media(PHONE1, 40000), self.media(PROVIDER, 30000)
                voice.send((request.media[0].address, request.media[0].port))
                rtp.expect(ear, voice, 1, (PROVIDER, 30000))
                self.assertIsNotNone(dialog_of_peer)
                self.setUp()

    def test_owners_marks_stay(self):
        """X11: the bit that marks answers is cleared before the packet leaves, and the owner's other bits are kept."""
        self.lab.router.run("nft", "-f", "-", text_in='''
table netdev seen {
    chain out {
        type filter hook egress device "lan" priority 0;
        udp dport 5060 meta mark 0x41 counter
        udp dport 5060 meta mark != 0x41 counter
    }
}
''')
        try:
            with self.owner_rule("meta", "mark", "set", "0x41"):
                phone, peer = self.phone(), self.peer()
                phone.request("OPTIONS", phone.dialog("peer"))
                peer.reply(peer.hear("OPTIONS"), 200)
                phone.hear(200)
                seen = self.lab.router.run("nft", "list", "table", "netdev", "seen").stdout
                self.assertRegex(seen, r"mark 0x00000041 counter packets 1 ")
                self.assertRegex(seen, r"mark != 0x00000041 counter packets 0 ")
        finally:
            self.lab.router.run("nft", "delete", "table", "netdev", "seen")


if __name__ == "__main__":
    main()
