#!/usr/bin/python3
"""IPv4 that is routed: phones with public addresses, pinholes only, not a byte of a message changes (N2)."""

import rtp
import sip
from labtest import MEDIA_SERVER, PHONE1, PROVIDER, ROUTER_WAN, STRANGER, LabTest, main
from netns import promised

PUBLIC = "198.51.100.11"  # the phone's own, behind the router


class Routed(LabTest):
    @classmethod
    def prepare(cls):
        lab = cls.lab
        lab.phone1.address(f"{PUBLIC}/24", "eth0")
        lab.router.address("198.51.100.1/24", "lan")
        for namespace in (lab.provider, lab.stranger):
            namespace.run("ip", "route", "add", "198.51.100.0/24", "via", ROUTER_WAN)
        lab.router.run("nft", "flush", "chain", "inet", "admin", "postrouting")
        lab.router.run("nft", "add", "rule", "inet", "admin", "postrouting", "ip", "saddr", "192.168.0.0/16", "oifname",
                       "wan", "masquerade")
        lab.empty_ruleset = lab.ruleset()
        lab.start_daemon()

    def namespace(self, address):
        return self.lab.phone1 if address == PUBLIC else super().namespace(address)

    def phone(self, address=PUBLIC, port=5060):
        return sip.Agent(self.lab, self.lab.phone1, address, port, "phone1", (PROVIDER, 5060))

    def kept_out(self, call, namespace, address):
        call.phone_rtp.forget()
        rtp.RtpPort(self.lab, namespace, address, 31000).send((PUBLIC, 40000))
        call.phone_rtp.hears_nothing()

    def heard_as_sent(self):
        """The messages at the WAN are those that the phone sent, byte for byte, and the reverse."""
        lan = [d.payload for d in self.lab.captures["lan"].datagrams() if b"SIP/2.0" in d.payload]
        wan = [d.payload for d in self.lab.captures["wan"].datagrams() if b"SIP/2.0" in d.payload]
        self.assertGreaterEqual(len(wan), 4)
        self.assertEqual(sorted(lan), sorted(wan))

    def test_call(self):
        """N2 C2 C7: RTP from the address in the answer passes a router with policy drop; nothing is open before or
        after."""
        with_stranger = self.media(STRANGER, 31002)
        call = self.call_out(self.phone(), media_address=MEDIA_SERVER)
        self.assertEqual({(p["public"], p["inside"], p["remote"]) for p in self.pinholes(call.id)},
                         {(f"{PUBLIC}:{port}", f"{PUBLIC}:{port}", MEDIA_SERVER) for port in (40000, 40001)})
        call.exchange(first="right")
        with_stranger.send((PUBLIC, 40000))
        call.exchange()
        self.kept_out(call, self.lab.stranger, STRANGER)
        self.assertEqual(self.lab.members("mappings_in", "map"), [])
        self.assertIn("mark=268435456", " ".join(self.lab.flows("dport=40000")))
        call.hang_up(by="peer")
        self.assert_no_pinholes(call.id)
        promised(lambda: not self.lab.flows("dport=40000"), 1, "the media flows to leave conntrack")
        self.kept_out(call, self.lab.provider, MEDIA_SERVER)
        self.heard_as_sent()

    def test_called(self):
        """N2 C8: a registered phone on a port of its own is reached by its registrar even when idle, and by no other
        host."""
        phone, peer = self.phone(port=5070), self.peer()
        self.register(phone, peer)
        self.assertEqual([(b["public"], b["inside"]) for b in self.lab.ctl("bindings")], [(f"{PUBLIC}:5070",) * 2])
        self.lab.forget_flows()
        stranger = self.peer(STRANGER)
        stranger.invite("phone1", hop=(PUBLIC, 5070), target=f"sip:phone1@{PUBLIC}:5070")
        phone.udp.hears_nothing()
        dialog = peer.invite("phone1", sip.sdp(PROVIDER, 30000), hop=(PUBLIC, 5070), target=f"sip:phone1@{PUBLIC}:5070")
        request = phone.hear("INVITE")
        self.assertEqual(request.raw, dialog.invite.raw)
        answer = phone.reply(request, 200, sip.sdp(PUBLIC, 40000))
        self.assertEqual(peer.hear(200).raw, answer)
        voice, far = self.media(PUBLIC, 40000), self.media(PROVIDER, 30000)
        far.send((PUBLIC, 40000), 5)
        rtp.expect(voice, far, 5, (PROVIDER, 30000))

    def test_killed(self):
        """N2 A5: after kill -9 media continue, the next daemon knows the call, and BYE closes it."""
        call = self.call_out(self.phone())
        self.lab.kill_daemon()
        self.lab.forget_flows()
        call.exchange(first="right")
        self.lab.start_daemon()
        self.assertEqual(self.calls()[call.id]["state"], "confirmed")
        call.hang_up()
        self.assert_no_pinholes(call.id)
        self.kept_out(call, self.lab.provider, PROVIDER)

    def test_both_kinds(self):
        """N2 N1: a phone that is routed and one that is translated, at once and on the same ports."""
        routed = self.call_out(self.phone())
        translated = self.call_out(LabTest.phone(self, 2), routed.peer, peer_port=33000)
        self.assertEqual((routed.peer_told.address, translated.peer_told.address), (PUBLIC, ROUTER_WAN))
        routed.exchange()
        translated.exchange()
        routed.hang_up()
        translated.exchange()
        translated.hang_up()
        self.assert_closed(translated)

    def test_latched(self):
        """N2 C5: a latch also lets the first source in without translation."""
        self.configure(f"[peer {PROVIDER}]\nmedia-source = latch\n")
        call = self.call_out(self.phone(), media_address=PROVIDER)
        first = self.media(MEDIA_SERVER, 31000)
        first.send((PUBLIC, 40000))
        rtp.expect(call.phone_rtp, first, 1, (MEDIA_SERVER, 31000))
        self.kept_out(call, self.lab.stranger, STRANGER)

    def test_as_the_owner_says(self):
        """N2: `nat = yes` translates phones with public addresses, and `nat = no` does not translate private ones."""
        self.configure(f"[phone {PUBLIC}]\nnat = yes\n[phone {PHONE1}]\nnat = no\n")
        peer = self.peer()
        self.phone().invite("peer", sip.sdp(PUBLIC, 40000))
        request = peer.hear("INVITE")
        self.assertEqual((request.media[0].address, request.source[0]), (ROUTER_WAN, ROUTER_WAN))
        dialog = self.phone(PHONE1).invite("peer", sip.sdp(PHONE1, 42000))
        self.assertEqual(peer.hear("INVITE").raw, dialog.invite.raw)


if __name__ == "__main__":
    main()
