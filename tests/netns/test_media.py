#!/usr/bin/python3
"""When pinholes open and close, for whom, and that media itself never leaves the kernel."""

import json

from labtest import MEDIA_SERVER, PHONE1, PHONE2, PROVIDER, ROUTER_WAN, STRANGER, LabTest, main, rtp, sip
from netns import promised, wait_for


class Media(LabTest):
    def probe(self, source, call, port=None):
        """Whether one RTP packet from a host outside gets to the phone's RTP port."""
        call.phone_rtp.forget()
        voice = self.media(source, port or 0)
        voice.send((call.peer_told.address, call.peer_told.port))
        try:
            call.phone_rtp.hears_nothing()
        except AssertionError:
            return True
        return False

    def test_outgoing(self):
        """C2: RTP and RTCP of an outgoing call flow both ways, between the ports in the SDP."""
        call = self.call_out()
        call.exchange()
        self.assertEqual(call.peer_told.address, ROUTER_WAN)
        call.hang_up()
        self.assert_closed(call)
        self.assert_no_inside_address_outside()

    def test_incoming(self):
        """C2 C8: RTP and RTCP of an incoming call go both ways; the peer hangs up."""
        call = self.call_in()
        call.exchange(first="right")
        call.hang_up(by="peer")
        self.assert_closed(call)
        self.assert_no_inside_address_outside()

    def test_media_server_speaks_first(self):
        """C5, CHECKLIST 2: media from another address than signalling reaches the phone before the phone has sent any."""
        call = self.call_out(media_address=MEDIA_SERVER)
        call.peer_rtp.send((call.peer_told.address, call.peer_told.port))
        rtp.expect(call.phone_rtp, call.peer_rtp, 1, (MEDIA_SERVER, 30000))
        call.exchange(first="right")
        call.hang_up()
        self.assert_closed(call)

    def test_any_port_of_the_media_address(self):
        """C5: the peer's announced media address may send from another port than it listens on."""
        call = self.call_out(media_address=MEDIA_SERVER)
        self.assertTrue(self.probe(MEDIA_SERVER, call, 31000))

    def test_stranger_stays_out(self):
        """C5: the router drops a stranger's packet to an open pinhole, and after the answer one of the signalling
        peer."""
        call = self.call_out(media_address=MEDIA_SERVER)
        call.exchange()
        self.assertFalse(self.probe(STRANGER, call))
        self.assertFalse(self.probe(PROVIDER, call))
        self.assertTrue(self.probe(MEDIA_SERVER, call))

    def test_early_media(self):
        """C2: before the answer only the signalling peer gets in."""
        phone, peer = self.phone(), self.peer()
        ear = self.media(PHONE1, 40000)
        dialog = phone.invite("peer", sip.sdp(PHONE1, 40000))
        request = peer.hear("INVITE")
        told = request.media[0]
        self.trying(phone, peer, request)
        self.assertEqual({p["state"] for p in self.pinholes(dialog.call_id)}, {"early"})
        voices = {address: self.media(address, 30500) for address in (STRANGER, MEDIA_SERVER, PROVIDER)}
        for voice in voices.values():
            voice.send((told.address, told.port))
        rtp.expect(ear, voices[PROVIDER], 1, (PROVIDER, 30500))
        ear.hears_nothing()

    def test_closed_by_bye(self):
        """C7: within a second after BYE neither a new nor the established flow passes, and the conntrack entries are
        gone."""
        call = self.call_out()
        call.exchange()
        self.assertTrue(self.lab.flows(f"src={PHONE1}", f"sport={call.phone_rtp.port}"))
        call.hang_up()
        self.assert_closed(call)
        self.assertFalse(self.probe(PROVIDER, call, 30600))

    def test_bye_with_password(self):
        """C6: a BYE answered 401 keeps the media open; the second one, answered 200, closes it."""
        call = self.call_out()
        call.exchange()
        call.phone.request("BYE", call.phone_dialog)
        call.peer.reply(call.peer.hear("BYE"), 401, more=[("WWW-Authenticate", 'Digest realm="r", nonce="n"')])
        call.phone.hear(401)
        call.exchange()
        self.assertTrue(self.pinholes(call.id))
        call.hang_up()
        self.assert_closed(call)

    def test_bye_unknown_call(self):
        """C6: a BYE answered 481 closes."""
        call = self.call_out()
        call.exchange()
        call.phone.request("BYE", call.phone_dialog)
        call.peer.reply(call.peer.hear("BYE"), 481)
        call.phone.hear(481)
        self.assert_closed(call)

    def test_cancel(self):
        """C6: CANCEL closes early media on the 487."""
        phone, peer = self.phone(), self.peer()
        dialog = phone.invite("peer", sip.sdp(PHONE1, 40000))
        request = peer.hear("INVITE")
        peer.reply(request, 183, sip.sdp(PROVIDER, 30000))
        phone.hear(183)
        self.assertTrue(self.pinholes(dialog.call_id))
        phone.cancel(dialog)
        peer.reply(peer.hear("CANCEL"), 200)
        peer.reply(request, 487)
        final = phone.hear(487)
        self.assert_no_pinholes(dialog.call_id)
        phone.ack(dialog, final)
        peer.hear("ACK")

    def test_busy(self):
        """C6: a 486 closes what the offer opened."""
        phone, peer = self.phone(), self.peer()
        dialog = phone.invite("peer", sip.sdp(PHONE1, 40000))
        request = peer.hear("INVITE")
        self.trying(phone, peer, request)
        self.assertTrue(self.pinholes(dialog.call_id))
        peer.reply(request, 486)
        phone.ack(dialog, phone.hear(486))
        peer.hear("ACK")
        self.assert_no_pinholes(dialog.call_id)

    def test_incoming_refused(self):
        """C6: a phone that is busy leaves nothing open."""
        phone, peer = self.phone(), self.peer()
        registration, _ = self.register(phone, peer)
        dialog = peer.invite("phone1", sip.sdp(PROVIDER, 30000), contact=registration.get("Contact"))
        phone.reply(phone.hear("INVITE"), 486)
        peer.ack(dialog, peer.hear(486))
        phone.hear("ACK")
        self.assert_no_pinholes(dialog.call_id)

    def test_hold_and_resume(self):
        """D3, CHECKLIST 5: on hold by sendonly, inactive or 0.0.0.0 and back, the public port stays and audio returns."""
        call = self.call_out()
        call.exchange()
        public = call.peer_told.port
        for held, answer in ((sip.sdp(PHONE1, ("audio", 40000, "a=sendonly")),
                              sip.sdp(PROVIDER, ("audio", 30000, "a=recvonly"))),
                             (sip.sdp(PHONE1, ("audio", 40000, "a=inactive")),
                              sip.sdp(PROVIDER, ("audio", 30000, "a=inactive"))),
                             (sip.sdp("0.0.0.0", 40000, origin=PHONE1), sip.sdp(PROVIDER, 30000))):
            with self.subTest(held.split("\r\n")[-2]):
                call.negotiate("phone", held, answer)
                self.assertEqual(call.peer_told.port if call.peer_told.address != "0.0.0.0" else public, public)
                call.negotiate("phone", sip.sdp(PHONE1, 40000), sip.sdp(PROVIDER, 30000))
                self.assertEqual((call.peer_told.address, call.peer_told.port), (ROUTER_WAN, public))
                call.exchange()

    def test_moved_media(self):
        """C4: a re-INVITE with other ports leaves old and new open until answered, then only the new ones."""
        call = self.call_out()
        call.exchange()
        old = call.peer_told
        moved = self.media(PHONE1, 40010)
        call.phone.request("INVITE", call.phone_dialog, sip.sdp(PHONE1, 40010))
        request = call.peer.hear("INVITE")
        new = request.media[0]
        call.exchange()
        call.peer_rtp.send((new.address, new.port))
        rtp.expect(moved, call.peer_rtp, 1, (PROVIDER, 30000))
        call.peer.reply(request, 200, sip.sdp(PROVIDER, 30000))
        call.phone.ack(call.phone_dialog, call.phone.hear(200))
        call.peer.hear("ACK")
        rtp.exchange(moved, call.phone_told, call.peer_rtp, new)
        wait_for(lambda: f"{old.address}:{old.port}" not in {p["public"] for p in self.pinholes(call.id)}, 1,
                 "the old pinhole to go")
        call.peer_rtp.send((old.address, old.port))
        call.phone_rtp.forget()
        call.phone_rtp.hears_nothing()

    def test_refused_change(self):
        """C4: a re-INVITE refused with 488 leaves the session exactly as before."""
        call = self.call_out()
        call.exchange()

        def open_now():
            return {(p["public"], p["inside"], p["remote"], p["media"]) for p in self.pinholes(call.id)}
        before = open_now()
        call.phone.request("INVITE", call.phone_dialog, sip.sdp(PHONE1, 40020, ("video", 40030, "")))
        call.peer.reply(call.peer.hear("INVITE"), 488)
        call.phone.ack(call.phone_dialog, call.phone.hear(488))
        call.peer.hear("ACK")
        promised(lambda: open_now() == before, 1, "the pinholes to be as before")
        call.exchange()

    def test_rejected_stream(self):
        """D3: a stream with port 0 stays at 0 and gets no pinhole; the other stream of the call has audio."""
        phone, peer = self.phone(), self.peer()
        dialog = phone.invite("peer", sip.sdp(PHONE1, 40000, ("video", 0, "")))
        request = peer.hear("INVITE")
        self.assertEqual(request.media[1].port, 0)
        peer.reply(request, 200, sip.sdp(PROVIDER, 30000, ("video", 0, "")))
        final = phone.confirm(dialog)
        peer.hear("ACK")
        self.assertEqual({p["media"] for p in self.pinholes(dialog.call_id)}, {"audio"})
        rtp.exchange(self.media(PHONE1, 40000), final.media[0], self.media(PROVIDER, 30000), request.media[0])

    def test_rtcp_elsewhere(self):
        """D1, CHECKLIST 20: an a=rtcp port that is not the next one is mapped and receives RTCP, on both sides."""
        phone, peer = self.phone(), self.peer()
        dialog = phone.invite("peer", sip.sdp(PHONE1, ("audio", 40000, "a=rtcp:40007")))
        request = peer.hear("INVITE")
        peer.reply(request, 200, sip.sdp(PROVIDER, ("audio", 30000, f"a=rtcp:30099 IN IP4 {PROVIDER}")))
        final = phone.confirm(dialog)
        peer.hear("ACK")
        self.assertEqual(final.media[0].rtcp, (PROVIDER, 30099))
        rtp.exchange(self.media(PHONE1, 40000, 40007), final.media[0], self.media(PROVIDER, 30000, 30099),
                     request.media[0])

    def test_several_streams(self):
        """D4: two audio streams and a video stream of one call each go both ways, none into another."""
        phone, peer = self.phone(), self.peer()
        ports = (40000, 40002, 40004)
        kinds = ("audio", "audio", "video")
        dialog = phone.invite("peer", sip.sdp(PHONE1, *[(k, p, "") for k, p in zip(kinds, ports)]))
        request = peer.hear("INVITE")
        peer.reply(request, 200, sip.sdp(PROVIDER, *[(k, p - 10000, "") for k, p in zip(kinds, ports)]))
        final = phone.confirm(dialog)
        peer.hear("ACK")
        self.assertEqual(len({m.port for m in request.media}), 3)
        ends = [(self.media(PHONE1, p), self.media(PROVIDER, p - 10000)) for p in ports]
        for (mine, theirs), told, announced in zip(ends, final.media, request.media):
            rtp.exchange(mine, told, theirs, announced)
        for mine, theirs in ends:
            self.assertFalse(mine.listen() or theirs.listen(), "media of another stream")

    def test_two_phones_same_ports(self):
        """A3 C1: two phones with equal SIP and RTP ports have calls at once; the end of one does not affect the
        other."""
        peer = self.peer()
        first = self.call_out(self.phone(1), peer)
        second = self.call_out(self.phone(2), peer, peer_port=30100)
        self.assertNotEqual(first.peer_told.port, second.peer_told.port)
        for told in (first.peer_told, second.peer_told):
            self.assertEqual(told.port % 2, 0, "RTP ports are even")
            self.assertEqual(told.rtcp[1], told.port + 1)
        first.exchange()
        second.exchange()
        self.assertFalse(first.phone_rtp.listen() or first.peer_rtp.listen(), "crosstalk")
        self.assertEqual((first.phone_rtp.address, second.phone_rtp.address), (PHONE1, PHONE2))
        first.hang_up()
        self.assert_closed(first)
        second.exchange()

    def test_calls_of_one_flow(self):
        """C1, CHECKLIST 7: six calls between the same two addresses and ports are independent; five remain when one
        ends."""
        phone, peer = self.phone(), self.peer()
        calls = [self.call_out(phone, peer, 40000 + 10 * i, 30000 + 10 * i) for i in range(6)]
        for call in calls:
            call.exchange(count=3)
        calls[2].hang_up()
        self.assert_closed(calls[2])
        for call in calls[:2] + calls[3:]:
            call.exchange(count=3)
        self.assertEqual(len([c for c in self.calls().values() if c["state"] == "confirmed"]), 5)

    def test_no_media_in_userspace(self):
        """A7: of 1000 RTP packets each way none is queued to the daemon."""
        call = self.call_out()
        call.exchange(count=5)
        before = self.lab.queue_counters()
        call.exchange(count=1000)
        self.assertEqual(self.lab.queue_counters(), before)

    def test_first_media_packets_not_queued(self):
        """A7: not even the first packets of the media flows are queued."""
        call = self.call_out()
        before = self.lab.queue_counters()
        call.exchange(count=1)
        self.assertEqual(self.lab.queue_counters(), before)

    def test_every_element_has_a_timeout(self):
        """X8: all elements of a call and a registration end by themselves."""
        call = self.call_in()
        call.exchange()
        listing = json.loads(self.lab.router.run("nft", "-j", "list", "table", "inet", "sipalg").stdout)["nftables"]
        dynamic = 0
        for entry in listing:
            for noun in ("set", "map"):
                if "timeout" not in entry.get(noun, {}).get("flags", []):
                    continue
                for element in entry[noun].get("elem", []):
                    key = element[0] if noun == "map" and isinstance(element, list) else element
                    self.assertIn("elem", key, f"{entry[noun]['name']}: an element without timeout")
                    self.assertGreater(key["elem"]["expires"], 0)
                    dynamic += 1
        self.assertGreaterEqual(dynamic, 4, "RTP and RTCP mappings and pinholes at least")
        self.assertTrue(all(p["expires_s"] > 0 for p in self.lab.ctl("pinholes")))
        addresses = [name for e in listing for noun in ("set", "map") if noun in e
                     for name in [e[noun]["name"]] if "timeout" not in e[noun].get("flags", [])
                     and PHONE1 in json.dumps(e[noun].get("elem", []))]
        self.assertFalse(addresses, "sets without timeout that name the phone")



class OwnRule(LabTest):
    """A router whose owner wrote the accept rule instead of giving --accept-in."""

    @classmethod
    def prepare(cls):
        cls.lab.accept_in = "none"
        cls.lab.router.run("nft", "insert", "rule", "inet", "admin", "forward",
                           "ct", "mark", "and", "0x10000000", "==", "0x10000000", "accept")
        cls.lab.empty_ruleset = cls.lab.ruleset()
        super().prepare()

    def test_mark(self):
        """A4: the documented mark lets pinholed traffic through a chain that drops everything else from outside."""
        call = self.call_in(media_address=MEDIA_SERVER)
        call.exchange(first="right")
        self.media(STRANGER, 30000).send((call.peer_told.address, call.peer_told.port))
        call.phone_rtp.forget()
        call.phone_rtp.hears_nothing()
        call.hang_up()
        self.assert_closed(call)


class NoConsent(LabTest):
    @classmethod
    def prepare(cls):
        cls.lab.accept_in = "none"
        super().prepare()

    def test_dropped(self):
        """A4: with --accept-in none and without the rule, the owner's drop stands: pinholed media do not pass."""
        call = self.call_out(media_address=MEDIA_SERVER)
        call.peer_rtp.send((call.peer_told.address, call.peer_told.port))
        call.phone_rtp.hears_nothing()


if __name__ == "__main__":
    main()
