#!/usr/bin/python3
"""Calls without a server: peers that the owner allows reach phones directly, others reach nothing (N3)."""

from labtest import PHONE1, PROVIDER, ROUTER_WAN, STRANGER, Call, LabTest, main, sip
from netns import Timeout, promised

ALLOWED = f"[peer {PROVIDER}/32]\nallowed = yes\n"
LISTENING = f"[phone {PHONE1}]\nlisten = 5060\nlisten = 5080\n"


class Peers(LabTest):
    def configure(self, config):
        self.lab.stop_daemon()
        self.lab.forget_flows()
        self.lab.start_daemon(config=config)

    def ring(self, peer, port=5060):
        """The peer's INVITE to the router's address; its dialog."""
        return peer.invite("phone1", sip.sdp(peer.address, 30000), hop=(ROUTER_WAN, port),
                           target=f"sip:phone1@{ROUTER_WAN}:{port}")

    def set_up(self, call):
        request = call.phone.hear("INVITE")
        call.answer(request, sip.sdp(PHONE1, 40000), by="phone")
        return request

    def kept_out(self, phone, address):
        self.lab.forget_flows()
        stranger = self.peer(address)
        self.ring(stranger)
        stranger.udp.close()
        phone.udp.hears_nothing()
        self.assertEqual([c for c in self.lab.ctl("calls") if c["peer"] == address], [])

    def test_listening(self):
        """N3 X3: a phone that has never sent is called by an allowed peer, with media both ways; a stranger opens nothing."""
        self.configure(ALLOWED + LISTENING)
        phone, peer = self.phone(), self.peer()
        self.kept_out(phone, STRANGER)
        call = Call(self, phone, peer, self.media(PHONE1, 40000), self.media(PROVIDER, 30000))
        call.peer_dialog = self.ring(peer)
        request = self.set_up(call)
        self.assertEqual(sip.host_port(request.uri), (PHONE1, 5060))
        call.exchange(first="right")
        self.assert_no_inside_address_outside()
        call.hang_up(by="peer")
        self.assert_closed(call)
        self.kept_out(phone, STRANGER)

    def test_listening_for_tcp(self):
        """N3 X3: an allowed peer connects to a phone that has never sent; a stranger can't."""
        self.configure(ALLOWED + LISTENING)
        listener = self.lab.tcp_listener(self.lab.phone1, PHONE1, 5060)
        with self.assertRaises((Timeout, ConnectionError)):
            self.lab.tcp(self.lab.stranger, STRANGER, (ROUTER_WAN, 5060), timeout=0.4)
        peer = self.lab.tcp(self.lab.provider, PROVIDER, (ROUTER_WAN, 5060), timeout=2)
        phone = listener.accept()
        sent = (f"OPTIONS sip:phone1@{ROUTER_WAN}:5060;transport=tcp SIP/2.0\r\n"
                f"Via: SIP/2.0/TCP {PROVIDER}:5060;branch=z9hG4bK1\r\nFrom: <sip:a@x.test>;tag=1\r\n"
                "To: <sip:phone1@x.test>\r\nCall-ID: tcp\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n")
        peer.send(sent.encode())
        phone.expect(sent.replace(f"phone1@{ROUTER_WAN}", f"phone1@{PHONE1}").encode())

    def test_other_port(self):
        """N3: the phone's second port is the same outside; only signalling is open to the allowed peer."""
        self.configure(ALLOWED + LISTENING)
        phone, peer = self.phone(port=5080), self.peer()
        self.ring(peer, 5080)
        self.assertEqual(sip.host_port(phone.hear("INVITE").uri), (PHONE1, 5080))
        self.assertEqual({p for p in self.lab.members("reachable") if p.isdigit()}, {"5060", "5080"})
        other = self.udp(PHONE1, 5090)
        self.udp(PROVIDER, 5091).send(b"x", (ROUTER_WAN, 5090))
        other.hears_nothing()

    def test_shown(self):
        """N3: without `listen`, the endpoint from which a phone has sent is reachable for allowed peers; SIGHUP changes
        which peers are allowed."""
        self.configure("")
        phone, peer, friend = self.phone(), self.peer(), self.peer(STRANGER)
        phone.request("OPTIONS", phone.dialog("x"))
        peer.hear("OPTIONS")
        self.lab.forget_flows()
        self.ring(friend)
        phone.udp.hears_nothing()
        self.reconfigure(f"[peer {STRANGER}]\nallowed = yes\n")
        promised(lambda: self.lab.members("allowed_peers") == [STRANGER], 2, "the peer to be allowed")
        phone.request("OPTIONS", phone.dialog("x"))
        peer.reply(peer.hear("OPTIONS"), 200)  # X11: only after some peer has answered the phone
        phone.hear(200)
        self.lab.forget_flows()
        self.ring(friend)
        phone.hear("INVITE")
        self.reconfigure("")
        promised(lambda: not self.lab.members("allowed_peers"), 2, "the peer to be allowed no longer")
        self.lab.forget_flows()
        self.ring(friend)
        phone.udp.hears_nothing()

    def test_prefixes(self):
        """N3: nft shows the prefixes as the owner wrote them."""
        self.configure("[peer 203.0.113.0/28]\nallowed = yes\n[peer 255.0.0.0/8]\nallowed = yes\n"
                       "[peer 203.0.113.16/28]\nallowed = yes\n[peer 2001:db8::/32]\nallowed = yes\n")
        self.assertEqual([m.strip(",") for m in self.lab.members("allowed_peers")],
                         ["203.0.113.0/28", "203.0.113.16/28", "255.0.0.0/8"])
        self.assertEqual(self.lab.members("allowed_peers6"), ["2001:db8::/32"])

    def test_killed(self):
        """N3 A5 A6: without a daemon the allowed peer's packets still arrive, and the next daemon continues."""
        self.configure(ALLOWED + LISTENING)
        phone, peer = self.phone(), self.peer()
        self.lab.kill_daemon()
        self.ring(peer)
        phone.hear("INVITE")
        self.lab.start_daemon(config=ALLOWED + LISTENING)
        self.lab.forget_flows()
        self.ring(peer)
        self.assertEqual(sip.host_port(phone.hear("INVITE").uri), (PHONE1, 5060))

    def test_peer_sends_from_another_port(self):
        """N3: a peer that sends requests from another port than it listens on; both requests are answered at the right
        port."""
        self.configure("")
        phone, peer = self.phone(), self.peer()
        registration, _ = self.register(phone, peer)
        sender = self.peer(port=5090)
        sender.contact = f"<sip:peer@{PROVIDER}:5060>"
        call = Call(self, phone, sender, self.media(PHONE1, 40000), self.media(PROVIDER, 30000))
        call.peer_dialog = sender.invite("phone1", sip.sdp(PROVIDER, 30000), contact=registration.get("Contact"))
        self.set_up(call)
        call.exchange()
        phone.request("BYE", call.phone_dialog)  # to the Contact, at the other port
        request = peer.hear("BYE")
        self.assertEqual(request.source, (ROUTER_WAN, 5060))
        peer.reply(request, 200)
        phone.hear(200)
        self.assert_no_pinholes(call.id)


if __name__ == "__main__":
    main()
