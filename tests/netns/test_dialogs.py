#!/usr/bin/python3
"""Call flows that change the media of a call, each with real RTP: forks, late offers, PRACK and UPDATE, T.38, video,
transfer, races."""

import os

from labtest import (MEDIA_SERVER, PHONE1, PHONE3, PROVIDER, ROUTER_WAN, STRANGER, Call, LabTest, main, rtp,
                     sip)
from netns import promised, wait_for


def t38(address, port):
    """A description with audio refused and a fax stream (T.38 annex D)."""
    return (f"v=0\r\no=- 8000 8001 IN IP4 {address}\r\ns=-\r\nc=IN IP4 {address}\r\nt=0 0\r\n"
            f"m=audio 0 RTP/AVP 0\r\nm=image {port} udptl t38\r\na=T38FaxVersion:0\r\n")


class Dialogs(LabTest):
    def public_ports(self, call_id):
        return {p["public"] for p in self.pinholes(call_id)}

    def ring(self, phone, peer, phone_port=40000):
        """An INVITE with an offer that has reached the peer: (phone's dialog, request)."""
        dialog = phone.invite(peer.user, sip.sdp(phone.address, phone_port), hop=(peer.address, peer.port))
        return dialog, peer.hear("INVITE")

    def test_fork(self):
        """C3 C2, CHECKLIST 13: three early dialogs have early media; 199 ends one, and the others end after their
        time."""
        phone, peer = self.phone(), self.peer()
        voice = self.media(PHONE1, 40000)
        dialog, request = self.ring(phone, peer)
        public = (request.media[0].address, request.media[0].port)
        branches = {}
        for tag, address in (("one", PROVIDER), ("two", MEDIA_SERVER), ("three", STRANGER)):
            branches[tag] = self.media(address, 31000)
            peer.reply(request, 183, sip.sdp(address, 31000), tag=tag)
            self.assertEqual(phone.hear(183).media[0].address, address)
        for branch in branches.values():
            voice.forget()
            branch.send(public, 3)
            rtp.expect(voice, branch, 3, (branch.address, 31000))
        peer.reply(request, 199, tag="three")
        phone.hear(199)
        self.assertNotIn(STRANGER, {p["remote"] for p in self.pinholes(dialog.call_id)})
        promised(lambda: not self.lab.flows(STRANGER), 1, "the flow of the ended branch to go")
        voice.forget()
        branches["three"].send(public)
        voice.hears_nothing()
        peer.reply(request, 200, sip.sdp(MEDIA_SERVER, 31000), tag="two")
        final = phone.confirm(dialog)
        peer.hear("ACK")
        rtp.exchange(voice, final.media[0], branches["two"], request.media[0])
        wait_for(lambda: PROVIDER not in {p["remote"] for p in self.pinholes(dialog.call_id)}, 35,
                 "the last branch that nobody took to close")
        rtp.exchange(voice, final.media[0], branches["two"], request.media[0])
        phone.request("BYE", dialog)
        peer.reply(peer.hear("BYE"), 200)
        phone.hear(200)
        self.assert_no_pinholes(dialog.call_id)

    def test_late_offer(self):
        """C2, CHECKLIST 15: the 200 brings the offer, the ACK the answer; audio goes both ways."""
        phone, peer = self.phone(), self.peer()
        call = Call(self, phone, peer, self.media(PHONE1, 40000), self.media(MEDIA_SERVER, 30000))
        call.phone_dialog = phone.invite(peer.user, hop=(peer.address, peer.port))
        request = peer.hear("INVITE")
        self.assertEqual(self.pinholes(call.id), [])
        peer.reply(request, 200, sip.sdp(MEDIA_SERVER, 30000))
        final = phone.confirm(call.phone_dialog, sip.sdp(PHONE1, 40000))
        call.peer_told, call.phone_told = peer.hear("ACK").media[0], final.media[0]
        self.assertEqual(call.peer_told.address, ROUTER_WAN)
        call.exchange()
        call.hang_up()
        self.assert_closed(call)

    def test_late_offer_of_the_phone(self):
        """C2, CHECKLIST 15: a call from outside without an offer; the phone's 200 has the offer, the peer's ACK the
        answer."""
        phone, peer = self.phone(), self.peer()
        registration, _ = self.register(phone, peer)
        call = Call(self, phone, peer, self.media(PHONE1, 40000), self.media(PROVIDER, 30000))
        call.peer_dialog = peer.invite(phone.user, contact=registration.get("Contact"))
        request = phone.hear("INVITE")
        call.phone_dialog = phone.accept(request)
        phone.reply(request, 200, sip.sdp(PHONE1, 40000))
        final = peer.confirm(call.peer_dialog, sip.sdp(PROVIDER, 30000))
        call.phone_told, call.peer_told = phone.hear("ACK").media[0], final.media[0]
        call.exchange(first="right")
        call.hang_up(by="peer")
        self.assert_closed(call)

    def test_prack_and_update(self):
        """C2 C4, CHECKLIST 15: a reliable 183 answers; an UPDATE moves the port, old and new open until its 200."""
        phone, peer = self.phone(), self.peer()
        old, new, far = self.media(PHONE1, 40000), self.media(PHONE1, 40010), self.media(MEDIA_SERVER, 30000)
        dialog = phone.invite(peer.user, sip.sdp(PHONE1, 40000), hop=(PROVIDER, 5060), more=[("Supported", "100rel")])
        request = peer.hear("INVITE")
        first = request.media[0]
        peer.reply(request, 183, sip.sdp(MEDIA_SERVER, 30000), more=[("Require", "100rel"), ("RSeq", "1")])
        progress = phone.hear(183)
        dialog.learn(progress)
        phone.request("PRACK", dialog, more=[("RAck", f"1 {dialog.invite.get('CSeq')}")])
        peer.reply(peer.hear("PRACK"), 200)
        phone.hear(200)
        rtp.exchange(old, progress.media[0], far, first)
        phone.request("UPDATE", dialog, sip.sdp(PHONE1, 40010))
        update = peer.hear("UPDATE")
        second = update.media[0]
        self.assertNotEqual(second.port, first.port)
        for told, voice in ((first, old), (second, new)):
            voice.forget()
            far.send((told.address, told.port), 3)
            rtp.expect(voice, far, 3, (MEDIA_SERVER, 30000))
        peer.reply(update, 200, sip.sdp(MEDIA_SERVER, 30000))
        phone.hear(200)
        wait_for(lambda: f"{first.address}:{first.port}" not in self.public_ports(dialog.call_id), 1,
                 "the old port to close")
        peer.reply(request, 200)
        final = phone.hear(200)
        phone.ack(dialog, final)
        peer.hear("ACK")
        rtp.exchange(new, progress.media[0], far, second)
        old.forget()
        far.send((first.address, first.port))
        old.hears_nothing()

    def test_fax(self):
        """C4, CHECKLIST 21: audio switches to T.38 and back; each has its own public port, and only while it is agreed."""
        call = self.call_out()
        call.exchange()
        fax_phone, fax_peer = self.media(PHONE1, 40100), self.media(PROVIDER, 30100)
        call.peer.request("INVITE", call.peer_dialog, t38(PROVIDER, 30100))
        request = call.phone.hear("INVITE")
        call.phone.reply(request, 200, t38(PHONE1, 40100))
        final = call.peer.hear(200)
        call.peer.ack(call.peer_dialog, final)
        call.phone.hear("ACK")
        self.assertEqual(final.media[0].port, 0)
        rtp.exchange(fax_phone, request.media[1], fax_peer, final.media[1], rtcp=False)
        self.assertEqual({p["media"] for p in self.pinholes(call.id)}, {"image"})
        # One port, no RTCP (RFC 3362).
        self.assertEqual({p["component"] for p in self.pinholes(call.id)}, {"rtp"})
        call.negotiate("peer", sip.sdp(PROVIDER, 30000), sip.sdp(PHONE1, 40000))
        call.exchange()
        self.assertEqual({p["media"] for p in self.pinholes(call.id)}, {"audio"})
        call.hang_up()
        self.assert_closed(call)

    def test_fax_refused(self):
        """C4, CHECKLIST 21: after a refused T.38 offer the audio is as before."""
        call = self.call_out()
        before = self.public_ports(call.id)
        call.peer.request("INVITE", call.peer_dialog, t38(PROVIDER, 30100))
        call.phone.reply(call.phone.hear("INVITE"), 488)
        call.peer.ack(call.peer_dialog, call.peer.hear(488))
        call.phone.hear("ACK")
        promised(lambda: self.public_ports(call.id) == before, 1, "the pinholes to be as before")
        call.exchange()

    def test_video_comes_and_goes(self):
        """C4 D4, CHECKLIST 21: video is added and removed; of five lines one is rejected; audio continues
        throughout."""
        call = self.call_out()
        camera, screen = self.media(PHONE1, 40200), self.media(PROVIDER, 30200)
        heard = call.negotiate("phone", sip.sdp(PHONE1, 40000, ("video", 40200, "")),
                               sip.sdp(PROVIDER, 30000, ("video", 30200, "")))
        rtp.exchange(camera, heard["phone"].media[1], screen, heard["peer"].media[1])
        call.exchange()
        call.negotiate("phone", sip.sdp(PHONE1, 40000, ("video", 0, "")), sip.sdp(PROVIDER, 30000, ("video", 0, "")))
        call.exchange()
        self.assertEqual({p["media"] for p in self.pinholes(call.id)}, {"audio"})
        ports = [40000, 40200, 40210, 40220, 40230]
        offer = sip.sdp(PHONE1, ports[0], *(("video", port, "") for port in ports[1:]))
        answer = sip.sdp(PROVIDER, 30000, *(("video", port, "") for port in (30200, 30210, 0, 30230)))
        heard = call.negotiate("phone", offer, answer)
        self.assertEqual({p["inside"] for p in self.pinholes(call.id) if p["component"] == "rtp"},
                         {f"{PHONE1}:{port}" for port in ports if port != 40220})
        call.exchange()
        rtp.exchange(camera, heard["phone"].media[1], screen, heard["peer"].media[1])
        call.hang_up()
        self.assert_closed(call)

    def test_transfer(self):
        """S5 C1, CHECKLIST 14: REFER and Replaces arrive byte for byte; the new leg has audio, the old one closes."""
        old = self.call_out()
        old.exchange()
        replaces = (f"Replaces={old.id}%3Bto-tag%3D{sip.tag_of(old.phone_dialog.local)}%3Bfrom-tag%3D"
                    f"{sip.tag_of(old.phone_dialog.remote)}")
        refer_to = f"<sip:third@{STRANGER}:5060?{replaces}>"
        old.peer.request("REFER", old.peer_dialog, more=[("Refer-To", refer_to)])
        refer = old.phone.hear("REFER")
        self.assertEqual(refer.get("Refer-To"), refer_to)
        old.phone.reply(refer, 202)
        old.peer.hear(202)
        third = self.peer(STRANGER, user="third")
        wanted = (f"{old.id};to-tag={sip.tag_of(old.phone_dialog.local)};from-tag="
                  f"{sip.tag_of(old.phone_dialog.remote)}")
        new = Call(self, old.phone, third, self.media(PHONE1, 40400), self.media(STRANGER, 30400))
        new.phone_dialog = old.phone.invite("third", sip.sdp(PHONE1, 40400), hop=(STRANGER, 5060),
                                            more=[("Replaces", wanted)])
        request = third.hear("INVITE")
        self.assertEqual(request.get("Replaces"), wanted)
        new.answer(request, sip.sdp(STRANGER, 30400))
        new.exchange()
        old.hang_up(by="peer")
        self.assert_closed(old)
        new.exchange()
        new.hang_up()
        self.assert_closed(new)

    def test_cancel_crosses_answer(self):
        """C6: a CANCEL crosses the 200; the call lasts until the phone's BYE, and then everything is closed."""
        phone, peer = self.phone(), self.peer()
        call = Call(self, phone, peer, self.media(PHONE1, 40000), self.media(PROVIDER, 30000))
        call.phone_dialog, request = self.ring(phone, peer)
        peer.reply(request, 180)
        phone.hear(180)
        phone.cancel(call.phone_dialog)
        cancel = peer.hear("CANCEL")
        peer.reply(request, 200, sip.sdp(PROVIDER, 30000))
        final = phone.hear(200)
        peer.reply(cancel, 200)
        self.assertEqual(phone.hear(200).about, "CANCEL")
        call.phone_dialog.learn(final)
        phone.ack(call.phone_dialog, final)
        peer.hear("ACK")
        call.peer_told, call.phone_told = request.media[0], final.media[0]
        call.exchange()
        call.hang_up()
        self.assert_closed(call)

    def test_ringing_calls_of_a_pbx(self):
        """C1 A3, CHECKLIST 7: six calls of a PBX ring at once beside two phones; one that ends leaves five with their media."""
        peer, pbx = self.peer(), self.phone(3)
        others = [self.call_out(self.phone(n), peer, 40000, 30000 + 100 * n) for n in (1, 2)]
        ringing = []
        for i in range(6):
            voice, far = self.media(pbx.address, 41000 + 10 * i), self.media(PROVIDER, 31000 + 10 * i)
            dialog, request = self.ring(pbx, peer, voice.port)
            peer.reply(request, 183, sip.sdp(PROVIDER, far.port))
            told = pbx.hear(183).media[0]
            ringing.append((dialog, request, voice, far, told))
        dialog, request, voice, far, _ = ringing.pop(2)
        pbx.cancel(dialog)
        peer.reply(peer.hear("CANCEL"), 200)
        peer.reply(request, 487)
        pbx.ack(dialog, pbx.hear(487))
        peer.hear("ACK")
        self.assert_no_pinholes(dialog.call_id)
        far.send((request.media[0].address, request.media[0].port))
        voice.hears_nothing()
        for _, request, voice, far, told in ringing:
            rtp.exchange(voice, told, far, request.media[0], count=5)
        for call in others:
            call.exchange(count=5)
        self.assertEqual(sorted(c["state"] for c in self.calls().values()), ["confirmed"] * 2 + ["early"] * 5)

    def test_trunk_of_hundreds(self):
        """C1 X7, CHECKLIST 7: three hundred calls of a PBX at once on one 5-tuple; all are answered, all close, and a call beside
        them has its media throughout."""
        def sipp(namespace, *argv):
            return self.lab.start(namespace, "sipp", *argv, "-p", 5060, "-nostdin", "-nd", "-timeout", "40",
                                  env={**os.environ, "TERM": "dumb"})
        sipp(self.lab.provider, "-sn", "uas", "-i", MEDIA_SERVER)
        beside = self.call_out()
        pbx = sipp(self.lab.phone3, "-sn", "uac", "-i", PHONE3, "-m", 300, "-l", 300, "-r", 150, "-d", 6000,
                   f"{MEDIA_SERVER}:5060")

        def confirmed():
            return [c for c in self.calls().values() if c["phone"] == PHONE3 and c["state"] == "confirmed"]
        wait_for(lambda: len(confirmed()) == 300, 15, "all calls to be open")
        beside.exchange()
        self.assertEqual(pbx.wait(30), 0, pbx.output()[-3000:])
        promised(lambda: set(self.calls()) == {beside.id}, 1, "the PBX's calls to close")
        self.assertEqual([p for p in self.pinholes() if p["inside"].startswith(PHONE3) and p["media"] != "sip"], [])
        beside.exchange()
        beside.hang_up()
        self.assert_closed(beside)


if __name__ == "__main__":
    main()
