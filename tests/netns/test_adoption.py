#!/usr/bin/python3
"""A daemon that starts while phones are registered and calls are in progress; phones that know their public address."""

from labtest import MEDIA_SERVER, PHONE1, PHONE2, PROVIDER, ROUTER_WAN, LabTest, main, rtp, sip
from netns import Timeout, wait_for

SANITIZED = True  # in every run of tests/run also with sanitizers


class Adoption(LabTest):
    def nft(self, text):
        self.lab.router.run("nft", "-f", "-", text_in=text)

    def talk_without_daemon(self, peer, *numbers):
        """Phones exchange messages with the peer through plain NAT; returns the public port of each."""
        self.lab.stop_daemon()
        phones = []
        for number in numbers:
            phone = self.phone(number)
            phone.request("OPTIONS", phone.dialog("peer"))
            request = peer.hear("OPTIONS")
            self.assertEqual(request.source[0], ROUTER_WAN)
            phones.append((phone, request.source[1]))
            phone.udp.waiting()
        return phones

    def test_started_late(self):
        """C12: phones that used plain NAT before keep the public port that the peer knows."""
        peer = self.peer()
        known = self.talk_without_daemon(peer, 1, 2)
        self.assertNotEqual(known[0][1], known[1][1])
        self.lab.start_daemon()
        for phone, port in reversed(known):
            request, _ = self.register(phone, peer)
            self.assertEqual(request.source, (ROUTER_WAN, port))
            self.assertEqual(sip.host_port(sip.uri_of(request.get("Contact"))), request.source)

    def test_a_new_phone_takes_nobodys_port(self):
        """C12 A3: a phone that appears after the start of the daemon does not get the public port of a silent one."""
        peer = self.peer()
        (silent, port), = self.talk_without_daemon(peer, 1)
        self.lab.start_daemon()
        request, _ = self.register(self.phone(2), peer)
        self.assertNotEqual(request.source, (ROUTER_WAN, port))
        request, _ = self.register(silent, peer)
        self.assertEqual(request.source, (ROUTER_WAN, port))

    def test_first_word_from_outside(self):
        """C12: after a restart without elements a call from outside reaches a phone that has sent nothing, with its own
        addresses."""
        phone, other, peer = self.phone(2), self.phone(1), self.peer()
        self.register(other, peer)
        registration, _ = self.register(phone, peer)
        target = sip.uri_of(registration.get("Contact"))
        self.assertNotEqual(sip.host_port(target)[1], 5060)
        self.lab.stop_daemon()
        self.lab.start_daemon()
        dialog = peer.invite("phone2", sip.sdp(MEDIA_SERVER, 30000), contact=registration.get("Contact"))
        request = phone.hear("INVITE")
        self.assertEqual(request.uri, f"sip:phone2@{PHONE2}:5060")
        voice, ear = self.media(MEDIA_SERVER, 30000), self.media(PHONE2, 40000)
        phone.reply(request, 200, sip.sdp(PHONE2, 40000))
        final = peer.hear(200)
        self.assertEqual(sip.uri_of(final.get("Contact")), target)
        dialog.learn(final)
        peer.ack(dialog, final)
        phone.hear("ACK")
        rtp.exchange(ear, request.media[0], voice, final.media[0], first="right")

    def test_calls_in_progress(self):
        """C12: a call that is older than the daemon keeps its audio, through a re-INVITE too, and closes."""
        call = self.call_out(media_address=MEDIA_SERVER)
        call.exchange()
        self.lab.stop_daemon()
        call.exchange()
        self.lab.start_daemon()
        self.assertFalse(self.calls())
        call.exchange()
        call.negotiate("phone", sip.sdp(PHONE1, 40000), sip.sdp(MEDIA_SERVER, 30000))
        self.assertEqual((call.peer_told.address, call.peer_told.port), (ROUTER_WAN, 40000))
        call.exchange()
        call.hang_up()
        self.assert_closed(call)

    def test_refreshed_by_the_peer(self):
        """C12 A3: the peer refreshes a call that is older than the daemon: the phone's answer names the public address,
        audio continues."""
        call = self.call_out(media_address=MEDIA_SERVER)
        call.exchange()
        self.lab.stop_daemon()
        self.lab.start_daemon()
        call.exchange()
        call.negotiate("peer", sip.sdp(MEDIA_SERVER, 30000), sip.sdp(PHONE1, 40000))
        self.assertEqual((call.peer_told.address, call.peer_told.port), (ROUTER_WAN, 40000))
        self.assertEqual(self.pinholes(call.id), [])
        call.exchange()

    def test_calls_in_progress_spared(self):
        """C12: a new call of another phone with the same ports does not take over the media of one that is older than the daemon."""
        call = self.call_out(media_address=MEDIA_SERVER)
        call.exchange()
        self.lab.stop_daemon()
        self.lab.start_daemon()
        other = self.call_out(phone=self.phone(2), peer=self.peer(port=5070), media_address=MEDIA_SERVER, peer_port=30010)
        self.assertNotEqual(other.peer_told.port, 40000)
        other.exchange()
        call.exchange()
        other.hang_up()
        self.assert_closed(other)
        call.exchange()

    def test_public_address_from_stun(self):
        """S2, CHECKLIST 6: a phone that announces its address from STUN gets media at the socket that sent the STUN
        request, and its messages do not change."""
        blocker, stun = self.media(PHONE2, 40000), self.media(MEDIA_SERVER, 3478)
        phone, peer, ear = self.phone(), self.peer(), self.media(PHONE1, 40000)
        self.register(phone, peer)  # flows of phones are noted
        # The kernel chooses at random where a port is taken. None of these is one that is never opened (X2).
        self.nft(f"insert rule inet admin postrouting ip saddr {PHONE1} udp sport 40000 masquerade to :20000-65535")
        self.addCleanup(self.nft, "flush chain inet admin postrouting\n"
                        'add rule inet admin postrouting meta nfproto ipv4 oifname "wan" masquerade')

        def seen_from(end):
            end.send((MEDIA_SERVER, 3478))
            return wait_for(lambda: stun.rtp.waiting(), 3, "the STUN question")[0][1]
        self.assertEqual(seen_from(blocker), (ROUTER_WAN, 40000))
        public = seen_from(ear)
        self.assertNotEqual(public, (ROUTER_WAN, 40000))
        offer = sip.sdp(*public)
        dialog = phone.invite("peer", offer)
        request = peer.hear("INVITE")
        self.assertEqual(request.body, offer)
        peer.reply(request, 200, sip.sdp(PROVIDER, 30000))
        phone.ack(dialog, phone.hear(200))
        peer.hear("ACK")
        rows = {p["inside"] for p in self.pinholes(dialog.call_id) if p["public"] == f"{public[0]}:{public[1]}"}
        self.assertEqual(rows, {f"{PHONE1}:40000"})
        voice = self.media(PROVIDER, 30000)
        voice.send(public)
        rtp.expect(ear, voice, 1, (PROVIDER, 30000))
        ear.send((PROVIDER, 30000))
        self.assertEqual(wait_for(lambda: voice.rtp.waiting(), 3, "the phone's media")[0][1], public)

    def test_public_address_of_another_host(self):
        """S2 X1: a public port that conntrack maps to another host is not opened for a phone that announces it."""
        blocker, stun = self.media(PHONE2, 40000), self.media(MEDIA_SERVER, 3478)
        self.lab.stop_daemon()
        blocker.send((MEDIA_SERVER, 3478))
        public = wait_for(lambda: stun.rtp.waiting(), 3, "the STUN question")[0][1]
        self.lab.start_daemon()  # it reads the flows of all hosts
        phone, peer = self.phone(), self.peer()
        dialog = phone.invite("peer", sip.sdp(*public))
        self.assertEqual(peer.hear("INVITE").media[0].port, public[1])
        self.assertNotIn(f"{public[0]}:{public[1]}", {p["public"] for p in self.pinholes(dialog.call_id)})
        voice = self.media(PROVIDER, 30000)
        voice.send(public)
        blocker.forget()
        with self.assertRaises(Timeout):
            blocker.rtp.receive(0.3)


if __name__ == "__main__":
    main()
