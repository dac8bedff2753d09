#!/usr/bin/python3
"""Attempts that must open nothing, from any host."""

from labtest import MEDIA_SERVER, PHONE1, PHONE2, PROVIDER, ROUTER_WAN, STRANGER, LabTest, main, sip


class Abuse(LabTest):
    def assert_nothing_for(self, inside):
        """No pinhole and no element of the daemon's table leads to an inside address (or address:port)."""
        self.assertEqual([p for p in self.lab.ctl("pinholes") if p["inside"].startswith(inside)], [])

    def test_register_opens_no_media(self):
        """X3: a REGISTER with an SDP body, granted, makes a binding and not a single media pinhole."""
        phone, registrar = self.phone(), self.peer()
        dialog = phone.dialog("phone1", (PROVIDER, 5060))
        phone.request("REGISTER", dialog, sip.sdp(PHONE1, 40000), [("Expires", "600")])
        request = registrar.hear("REGISTER")
        registrar.reply(request, 200, sip.sdp(PROVIDER, 30000), [("Contact", f"{request.get('Contact')};expires=600")])
        phone.hear(200)
        self.assertEqual(self.pinholes(), [])
        self.assertEqual(len(self.lab.ctl("bindings")), 1)
        ear = self.media(PHONE1, 40000)
        voice = self.media(PROVIDER, 30000)
        voice.send((ROUTER_WAN, 40000))
        ear.hears_nothing()

    def test_register_without_answer(self):
        """X3: a REGISTER without a 2xx lets no stranger in; neither does a 2xx that does not match it."""
        phone, registrar = self.phone(), self.peer(STRANGER)
        phone.request("REGISTER", phone.dialog("phone1", (STRANGER, 5060)), more=[("Expires", "600")])
        request = registrar.hear("REGISTER")
        self.assertEqual(self.lab.ctl("bindings"), [])
        forged = request.raw.replace(b"REGISTER sip:phone1@203.0.113.66:5060 SIP/2.0", b"SIP/2.0 200 OK", 1)
        self.assertTrue(forged.startswith(b"SIP/2.0 200"))
        for change in ((b"Call-ID: ", b"Call-ID: x"), (b"CSeq: 1 ", b"CSeq: 2 "), (b";tag=", b";tag=y"),
                       (b"branch=z9hG4bK", b"branch=z9hG4bKz")):
            self.assertIn(change[0], forged)
            registrar.send(forged.replace(*change), request.source)
            phone.hear(200)
            self.assertEqual(self.lab.ctl("bindings"), [], change)

    def test_stranger_invites(self):
        """X3: an INVITE or 200 from a stranger reaches no phone and creates nothing, also when the phone is
        registered."""
        phone, peer = self.phone(), self.peer()
        self.register(phone, peer)
        stranger = self.peer(STRANGER, user="mallory")
        target = f"sip:phone1@{ROUTER_WAN}:5060"
        stranger.invite("phone1", sip.sdp(STRANGER, 30000), hop=(ROUTER_WAN, 5060), target=target)
        stranger.send(f"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP {ROUTER_WAN}:5060;branch=z9hG4bKnone\r\n"
                      "From: <sip:a@b>;tag=1\r\nTo: <sip:c@d>;tag=2\r\nCall-ID: none\r\nCSeq: 1 INVITE\r\n"
                      f"Contact: <sip:m@{STRANGER}>\r\nContent-Length: 0\r\n\r\n", (ROUTER_WAN, 5060))
        phone.udp.hears_nothing()
        self.assertEqual((self.lab.ctl("calls"), self.pinholes()), ([], []))
        self.assertNotIn(STRANGER, {p["remote"] for p in self.lab.ctl("pinholes")})

    def test_unasked_answer_from_the_peer(self):
        """X3: a 200 with SDP for an INVITE that the phone never sent opens nothing."""
        phone, peer = self.phone(), self.peer()
        phone.request("OPTIONS", phone.dialog("peer"))
        source = peer.hear("OPTIONS").source
        body = sip.sdp(PROVIDER, 30000)
        peer.send(f"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP {ROUTER_WAN}:5060;branch=z9hG4bKnever\r\n"
                  "From: <sip:phone1@x>;tag=1\r\nTo: <sip:c@d>;tag=2\r\nCall-ID: never\r\nCSeq: 1 INVITE\r\n"
                  f"Contact: <sip:m@{PROVIDER}>\r\nContent-Type: application/sdp\r\nContent-Length: {len(body)}\r\n\r\n"
                  f"{body}", source)
        phone.hear(200)
        self.assertEqual((self.lab.ctl("calls"), self.lab.ctl("pinholes")), ([], []))

    def test_third_host_in_sdp(self):
        """X1: an SDP that names another inside host maps and opens nothing for that host."""
        phone, peer = self.phone(), self.peer()
        dialog = phone.invite("peer", sip.sdp(PHONE2, 40000))
        request = peer.hear("INVITE")
        self.assertEqual(request.media[0][1:3], (PHONE2, 40000), "left as it came")
        peer.reply(request, 200, sip.sdp(PROVIDER, 30000))
        phone.confirm(dialog)
        peer.hear("ACK")
        self.assert_nothing_for(PHONE2)
        victim = self.media(PHONE2, 40000)
        self.media(PROVIDER, 30000).send((ROUTER_WAN, 40000))
        victim.hears_nothing()

    def test_third_host_in_contact(self):
        """X1: a REGISTER whose Contact names another inside host binds nothing for that host."""
        phone, registrar = self.phone(), self.peer()
        phone.contact = f"<sip:phone1@{PHONE2}:5060>"
        request, _ = self.register(phone, registrar)
        self.assertEqual(request.get("Contact"), phone.contact)
        self.assertEqual([b for b in self.lab.ctl("bindings") if PHONE2 in b["inside"]], [])
        victim = self.phone(2)
        registrar.send(f"OPTIONS sip:phone1@{ROUTER_WAN} SIP/2.0\r\n\r\n", (ROUTER_WAN, 5061))
        victim.udp.hears_nothing()

    def test_service_ports(self):
        """X2: service ports such as 22 and 445 are never opened, however they are offered."""
        for port in (22, 445, 3389, 80):
            with self.subTest(port=port):
                self.lab.fresh()
                phone, peer = self.phone(), self.peer()
                dialog = phone.invite("peer", sip.sdp(PHONE1, port))
                request = peer.hear("INVITE")
                peer.reply(request, 200, sip.sdp(PROVIDER, 30000))
                phone.confirm(dialog)
                peer.hear("ACK")
                self.assertEqual([p for p in self.lab.ctl("pinholes") if p["inside"] == f"{PHONE1}:{port}"], [])
                service = self.udp(PHONE1, port)
                voice = self.udp(PROVIDER, 30000)
                for public in {port, request.media[0].port}:
                    voice.send(b"hello", (ROUTER_WAN, public))
                service.hears_nothing()
                service.close()

    def test_forbidden_addresses(self):
        """X2: loopback, multicast, broadcast and the router's own addresses in an SDP open nothing."""
        for address in ("127.0.0.1", "224.0.0.5", "255.255.255.255", "192.168.1.1", "192.168.1.255", "0.0.0.0"):
            with self.subTest(address):
                self.lab.fresh()
                phone, peer = self.phone(), self.peer()
                phone.invite("peer", sip.sdp(address, 40000, origin="10.0.0.1"))
                self.assertEqual(peer.hear("INVITE").media[0].address, address)
                self.assertEqual(self.lab.ctl("pinholes"), [])

    def test_stranger_in_the_dialog(self):
        """X4: a BYE with wrong tags, or with the right ones from a stranger, closes nothing."""
        call = self.call_out()
        call.exchange()
        wrong = sip.Dialog(call.id, call.peer_dialog.local.replace("tag=", "tag=wrong"), call.peer_dialog.remote,
                           call.peer_dialog.target, call.peer_dialog.hop)
        call.peer.request("BYE", wrong)
        call.phone.reply(call.phone.hear("BYE"), 481)
        call.peer.hear(481)
        self.peer(STRANGER).request("BYE", call.peer_dialog)
        call.phone.udp.hears_nothing()
        call.exchange()
        self.assertEqual(self.calls()[call.id]["state"], "confirmed")

    def test_contact_of_a_stranger_in_the_answer(self):
        """C5: if the answer names another media address, only that address gets in, not the source of the
        signalling."""
        call = self.call_out(media_address=MEDIA_SERVER)
        self.assertEqual({p["remote"].split(":")[0] for p in self.pinholes(call.id)}, {MEDIA_SERVER})

    def test_flood_leaves_nothing(self):
        """X6 X7: three hundred malformed INVITEs leave no call, pinhole or element behind."""
        phone, peer = self.phone(), self.peer()
        before = self.elements()
        body = sip.sdp(PHONE1, 40000)
        for number in range(300):
            lines = ["INVITE sip:peer@203.0.113.10 SIP/2.0", f"Via: SIP/2.0/UDP {PHONE1}:5060;branch=z9hG4bKf{number}",
                     "From: <sip:a@b>;tag=1", "To: <sip:c@d>", f"Call-ID: flood{number}", f"CSeq: {number} INVITE",
                     "Content-Type: application/sdp", f"Content-Length: {len(body)}"]
            broken = number % 3
            if broken == 0:
                lines[7] = "Content-Length: 5\r\nContent-Length: 7"
            elif broken == 1:
                lines[5] = "CSeq: 99999999999999 INVITE"
            else:
                del lines[4]
            sent = phone.send("\r\n".join(lines) + "\r\n\r\n" + body, (PROVIDER, 5060))
            self.assertEqual(peer.udp.receive()[0], sent)
        self.assertEqual((self.lab.ctl("calls"), self.lab.ctl("pinholes")), ([], []))
        self.assertLessEqual(self.elements() - before, 3, "at most the phone, its signalling flow, and how NAT translates that")

    def elements(self):
        """The number of expiring elements in the daemon's table."""
        return self.lab.table().count(" expires ")

    def test_media_before_any_call(self):
        """X3: RTP to the public ports of a call that has ended or never existed reaches no phone."""
        ear = self.media(PHONE1, 40000)
        voice = self.media(STRANGER, 30000)
        for port in (40000, 16384, 5060):
            voice.send((ROUTER_WAN, port))
        ear.hears_nothing()


class MalformedIsDropped(LabTest):
    """The policy drops SIP that can't be read."""

    daemon_options = ("--malformed", "drop")

    def test_malformed_is_dropped(self):
        """S9: malformed SIP reaches neither end; keep-alives, other protocols and valid SIP pass as before."""
        phone, peer = self.phone(), self.peer()
        good = phone.request("OPTIONS", phone.dialog("peer"))
        source = peer.hear("OPTIONS").source
        broken = good.replace(b"CSeq: 1 OPTIONS", b"CSeq: none")
        self.assertNotEqual(broken, good)
        phone.send(broken, (PROVIDER, 5060))
        peer.send(b"SIP/2.0 nothing\r\n\r\n", source)
        for innocent in (b"\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n"):
            phone.send(innocent, (PROVIDER, 5060))
            self.assertEqual(peer.udp.receive()[0], innocent)
            peer.send(innocent, source)
            self.assertEqual(phone.udp.receive()[0], innocent)
        self.assertEqual(self.lab.ctl("status")["counters"]["malformed"], 2)


if __name__ == "__main__":
    main()
