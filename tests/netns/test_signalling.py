#!/usr/bin/python3
"""The changes of messages, the parts that do not change, and the view of the two ends."""

import re

from labtest import PHONE1, PROVIDER, ROUTER_WAN, LabTest, main, rtp, sip

PUBLIC, INSIDE = f"{ROUTER_WAN}:5060", f"{PHONE1}:5060"

# Payloads that are not SIP, or malformed SIP; none may change (S8, S9).
UNREADABLE = {
    "CRLF keep-alive": b"\r\n\r\n",
    "one zero byte": b"\0",
    "four bytes": b"\0\0\0\0",
    "STUN binding request": bytes.fromhex("000100002112a442") + bytes(range(12)),
    "RTP": bytes.fromhex("8000123400000001deadbeef") + b"\xd5" * 160,
    "TLS ClientHello": bytes.fromhex("160301004a0100004603036a") + b"\x5a" * 60,
    "HTTP": b"POST / HTTP/1.1\r\nHost: 192.168.1.11:5060\r\nContent-Length: 0\r\n\r\n",
    "binary": bytes(range(256)) * 3,
    "text with an inside address": b"192.168.1.11:5060 203.0.113.1:5060\r\n\r\n",
    "SIP without a line end": b"INVITE sip:x@203.0.113.10 SIP/2.0",
    "request line cut": b"INVITE\r\nVia: SIP/2.0/UDP 192.168.1.11:5060\r\n\r\n",
    "wrong version": b"INVITE sip:x@203.0.113.10 SIP/7.0\r\nVia: SIP/2.0/UDP 192.168.1.11:5060;branch=z9hG4bKx\r\n\r\n",
    "negative length": (b"INVITE sip:x@203.0.113.10 SIP/2.0\r\nVia: SIP/2.0/UDP 192.168.1.11:5060;branch=z9hG4bKy\r\n"
                        b"From: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\nCall-ID: neg\r\nCSeq: 1 INVITE\r\n"
                        b"Content-Length: -99\r\n\r\n"),
    "length beyond the datagram": (
        b"INVITE sip:x@203.0.113.10 SIP/2.0\r\nVia: SIP/2.0/UDP 192.168.1.11:5060;branch=z9hG4bKz\r\n"
        b"From: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\nCall-ID: trunc\r\nCSeq: 1 INVITE\r\n"
        b"Content-Type: application/sdp\r\nContent-Length: 500\r\n\r\nv=0\r\nc=IN IP4 192.168.1.11\r\n"
        b"m=audio 40000 RTP/AVP 0\r\n"),
    "NUL in a header": (b"OPTIONS sip:x@203.0.113.10 SIP/2.0\r\nVia: SIP/2.0/UDP 192.168.1.11:5060;branch=z9hG4bK\0\r\n"
                        b"Call-ID: nul\r\n\r\n"),
}


def contents(raw):
    """The message without the digits of Content-Length, which follow the body."""
    return re.sub(rb"Content-Length: \d+", b"Content-Length:", raw)


class Signalling(LabTest):
    def test_outside_view(self):
        """S3 D1: Via, Contact and SDP leave with exactly the public address and port that the kernel uses."""
        phone, peer = self.phone(), self.peer()
        phone.invite("peer", sip.sdp(PHONE1, 40000))
        request = peer.hear("INVITE")
        self.assertEqual(request.source, (ROUTER_WAN, 5060))
        self.assertRegex(request.get("Via"), rf"^SIP/2.0/UDP {re.escape(PUBLIC)};branch=[^;]+;rport$")
        self.assertEqual(request.get("Contact"), f"<sip:phone1@{PUBLIC}>")
        self.assertEqual(request.media[0].address, ROUTER_WAN)
        self.assertIn(f"o=- 8000 8000 IN IP4 {ROUTER_WAN}\r\n", request.body)
        self.assertEqual(int(request.get("Content-Length")), len(request.body))
        self.assert_no_inside_address_outside()

    def test_only_addresses_change(self):
        """S1: folding, compact names, odd case, unknown headers and odd spaces do not change; only addresses do."""
        phone, peer = self.phone(), self.peer()
        sent = (f"INVITE sip:peer@{PROVIDER} SIP/2.0\r\n"
                f"v:  SIP/2.0/UDP {INSIDE};branch=z9hG4bKodd;rport\r\n"
                f"f: \"A, <b>\" <sip:phone1@{PROVIDER}>;tag=1\r\nt: <sip:peer@{PROVIDER}>\r\n"
                f"i: odd-{INSIDE}@{PHONE1}\r\ncSEQ:1   INVITE\r\nX-Unknown: {INSIDE}\r\n\tfolded {PHONE1}\r\n"
                f"m: \"Phone <1>\" <sip:phone1@{INSIDE};ob>;q=0.5;+x=\"<{PHONE1}>\"\r\n"
                f"Subject: call me at {PHONE1}\r\nUser-Agent: odd/{PHONE1}\r\nl: 0\r\n\r\n")
        phone.send(sent, (PROVIDER, 5060))
        heard = peer.hear("INVITE").raw.decode()
        wanted = sent.replace(f"UDP {INSIDE}", f"UDP {PUBLIC}").replace(f"sip:phone1@{INSIDE}", f"sip:phone1@{PUBLIC}")
        self.assertEqual(heard, wanted)

    def test_phone_sees_its_own_register(self):
        """S4: the 200 to REGISTER shows the phone its own Via and Contact, with the registrar's parameters."""
        phone, registrar = self.phone(), self.peer()
        request, answer = self.register(phone, registrar, 300)
        self.assertEqual(request.get("Contact"), f"<sip:phone1@{PUBLIC}>")
        self.assertEqual(answer.get("Contact"), f"<sip:phone1@{INSIDE}>;expires=300")
        branch = re.search(r"branch=[^;]+", request.get("Via")).group()
        self.assertEqual(answer.get("Via"), f"SIP/2.0/UDP {INSIDE};{branch};received={PHONE1};rport=5060")
        self.assertNotRegex(answer.raw.decode(), rf"{re.escape(ROUTER_WAN)}\b")
        self.assert_no_inside_address_outside()

    def test_round_trip(self):
        """S4: values that the peer sends back arrive at the phone exactly as the phone wrote them."""
        phone, peer = self.phone(), self.peer()
        dialog = phone.dialog("peer")
        body = sip.sdp(PHONE1, 40000, ("video", 40002, "a=rtcp:40003\n"))
        sent = phone.request("INVITE", dialog, body, [("Record-Route", f"<sip:{INSIDE};lr>"),
                                                      ("P-Asserted-Identity", f"<sip:phone1@{PHONE1}>")])
        heard = peer.hear("INVITE")
        self.assertNotEqual(heard.raw, sent)
        self.assertNotIn(b"192.168.", heard.raw)
        answer = (b"SIP/2.0 488 Not Acceptable Here\r\n" + heard.raw.split(b"\r\n", 1)[1])
        peer.send(answer, heard.source)
        back = phone.hear(488)
        self.assertEqual(contents(back.raw.split(b"\r\n", 1)[1]), contents(sent.split(b"\r\n", 1)[1]))

    def test_never_touched(self):
        """S5: Call-ID, tags, CSeq, Authorization and its uri do not change, even if they contain inside addresses."""
        phone, peer = self.phone(), self.peer()
        dialog = phone.dialog("peer")
        dialog.call_id = f"12345@{PHONE1}"
        credentials = (f'Digest username="phone1", realm="r", nonce="n", uri="sip:{INSIDE}", '
                       'response="0123456789abcdef0123456789abcdef"')
        phone.request("INVITE", dialog, sip.sdp(PHONE1, 40000), [("Proxy-Authorization", credentials)])
        heard = peer.hear("INVITE")
        self.assertEqual((heard.get("Call-ID"), heard.get("CSeq"), heard.get("Proxy-Authorization")),
                         (f"12345@{PHONE1}", "1 INVITE", credentials))

    def test_public_message_is_identical(self):
        """S2: a message in which the phone already shows its public address leaves byte for byte."""
        phone, peer = self.phone(), self.peer()
        phone.request("OPTIONS", phone.dialog("peer"))
        public = peer.hear("OPTIONS").source
        self.assertEqual(public[0], ROUTER_WAN)
        sent = phone.send(
            f"INVITE sip:peer@{PROVIDER} SIP/2.0\r\nVia: SIP/2.0/UDP {public[0]}:{public[1]};branch=z9hG4bKpub;rport\r\n"
            f"From: <sip:phone1@{PROVIDER}>;tag=9\r\nTo: <sip:peer@{PROVIDER}>\r\nCall-ID: {sip.token('pub')}\r\n"
            f"CSeq: 1 INVITE\r\nContact: <sip:phone1@{public[0]}:{public[1]}>\r\nContent-Length: 0\r\n\r\n",
            (PROVIDER, 5060))
        self.assertEqual(peer.hear("INVITE").raw, sent)

    def test_unreadable_passes_untouched(self):
        """S8 S9: keep-alives, garbage, other protocols and malformed SIP pass byte for byte, both ways."""
        phone, peer = self.phone(), self.peer()
        for name, data in UNREADABLE.items():
            with self.subTest(name):
                phone.send(data, (PROVIDER, 5060))
                heard, source = peer.udp.receive()
                self.assertEqual(heard, data)
                peer.send(data, source)
                self.assertEqual(phone.udp.receive()[0], data)
        self.assertEqual((self.pinholes(), self.lab.ctl("calls")), ([], []))

    def test_retransmissions(self):
        """C10, CHECKLIST 9: five equal INVITEs and three equal 200s leave byte for byte equal and make one mapping."""
        phone, peer = self.phone(), self.peer()
        dialog = phone.dialog("peer")
        sent = phone.request("INVITE", dialog, sip.sdp(PHONE1, 40000))
        for _ in range(4):
            phone.send(sent, (PROVIDER, 5060))
        heard = [peer.hear("INVITE") for _ in range(5)]
        self.assertEqual(len({h.raw for h in heard}), 1)
        answer = peer.reply(heard[0], 200, sip.sdp(PROVIDER, 30000))
        for _ in range(2):
            peer.send(answer, heard[0].source)
        answers = [phone.hear(200).raw for _ in range(3)]
        self.assertEqual(len(set(answers)), 1)
        self.assertEqual(len({p["public"] for p in self.pinholes(dialog.call_id)}), 2, "one RTP and one RTCP port")
        self.assertEqual(list(self.calls()), [dialog.call_id])

    def test_large_messages(self):
        """T3: a 4 kB INVITE in IP fragments is rewritten whole and delivered, out and in."""
        phone, peer = self.phone(), self.peer()
        registration, _ = self.register(phone, peer)
        filler = [("X-Filler", "f" * 1000) for _ in range(4)]
        phone.invite("peer", sip.sdp(PHONE1, 40000), more=filler)
        heard = peer.hear("INVITE")
        self.assertGreater(len(heard.raw), 4000)
        self.assertEqual((heard.get("Contact"), heard.media[0].address), (f"<sip:phone1@{PUBLIC}>", ROUTER_WAN))
        self.assertEqual(heard.all("X-Filler"), ["f" * 1000] * 4)
        self.assertGreaterEqual(self.lab.captures["wan"].fragments(True), 3)
        peer.invite("phone1", sip.sdp(PROVIDER, 30000), contact=registration.get("Contact"), more=filler)
        heard = phone.hear("INVITE")
        self.assertEqual(heard.uri, f"sip:phone1@{INSIDE}")
        self.assertEqual(heard.all("X-Filler"), ["f" * 1000] * 4)
        self.assert_no_inside_address_outside()

    def test_growth_across_the_mtu(self):
        """T3: an INVITE that just fits a packet and grows by its rewrite is delivered whole."""
        phone, peer = self.phone(), self.peer()
        registration, _ = self.register(phone, peer)
        target = sip.uri_of(registration.get("Contact"))
        dialog = peer.dialog("phone1", sip.host_port(target), target)
        headers = [("Via", f"SIP/2.0/UDP {PROVIDER}:5060;branch={sip.token('z9hG4bK')}"), ("From", dialog.local),
                   ("To", dialog.remote), ("Call-ID", dialog.call_id), ("CSeq", "1 INVITE"),
                   ("Contact", peer.contact), ("X-Filler", "")]
        bare = len(peer.compose(f"INVITE {target} SIP/2.0", headers))
        headers[-1] = ("X-Filler", "f" * (1472 - bare))
        sent = peer.send(peer.compose(f"INVITE {target} SIP/2.0", headers), sip.host_port(target))
        self.assertEqual(len(sent), 1472)
        heard = phone.hear("INVITE")
        self.assertEqual(heard.raw, sent.replace(f"@{PUBLIC} SIP".encode(), f"@{INSIDE} SIP".encode()))
        self.assertGreater(len(heard.raw), 1472)

    def test_high_source_port(self):
        """S4: the Via gets the public end of the flow, and the answer comes to the port that the Via named."""
        phone, peer = self.phone(), self.peer()
        self.register(phone, peer)
        voice = self.udp(PHONE1, 49152)
        voice.send(f"OPTIONS sip:peer@{PROVIDER} SIP/2.0\r\nVia: SIP/2.0/UDP {INSIDE};branch=z9hG4bKhigh\r\n"
                   f"From: <sip:phone1@{PROVIDER}>;tag=h\r\nTo: <sip:peer@{PROVIDER}>\r\nCall-ID: {sip.token('h')}\r\n"
                   "CSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n".encode(), (PROVIDER, 5060))
        request = peer.hear("OPTIONS")
        self.assertNotEqual(request.source[1], 5060)
        self.assertEqual(request.get("Via"),
                         f"SIP/2.0/UDP {request.source[0]}:{request.source[1]};branch=z9hG4bKhigh")
        peer.reply(request, 200)
        self.assertRegex(phone.hear(200).get("Via"), rf"^SIP/2.0/UDP {re.escape(INSIDE)};branch=z9hG4bKhigh")

    def test_two_phones_same_port(self):
        """A3: two phones on port 5060 get two public ports, and each message names the one it leaves from."""
        peer = self.peer()
        publics = set()
        for number in (1, 2):
            phone = self.phone(number)
            request, answer = self.register(phone, peer)
            self.assertEqual(sip.host_port(sip.uri_of(request.get("Contact"))), request.source)
            self.assertIn(f"{request.source[0]}:{request.source[1]};", request.get("Via"))
            self.assertEqual(sip.uri_of(answer.get("Contact")), f"sip:phone{number}@{phone.address}:5060")
            publics.add(request.source)
        self.assertEqual(len(publics), 2)
        bindings = self.lab.ctl("bindings")
        self.assertEqual({b["public"] for b in bindings}, {f"{a}:{p}" for a, p in publics})

    def test_inside_to_inside(self):
        """A2: SIP between two inside subnets is not queued and not changed, SDP included."""
        caller, callee = self.phone(1), self.phone(3)
        before = self.lab.queue_counters()
        dialog = caller.invite("phone3", sip.sdp(PHONE1, 40000), hop=(callee.address, 5060))
        self.assertEqual(callee.hear("INVITE").raw, dialog.invite.raw)
        self.assertEqual(self.lab.queue_counters(), before)


class BehindAnotherNat(LabTest):
    """The WAN address is translated again by an outer NAT: the outside sees 198.51.100.7."""

    daemon_options = ("--external-address", "198.51.100.7")

    def test_external_address(self):
        """N1: messages name the external address, packets leave from the WAN address, the phone sees its own."""
        phone, peer = self.phone(), self.peer()
        request, answer = self.register(phone, peer)
        self.assertEqual(request.source, (ROUTER_WAN, 5060))
        self.assertEqual(request.get("Contact"), "<sip:phone1@198.51.100.7:5060>")
        self.assertEqual(sip.uri_of(answer.get("Contact")), f"sip:phone1@{INSIDE}")
        phone.invite("peer", sip.sdp(PHONE1, 40000))
        media = peer.hear("INVITE").media[0]
        self.assertEqual(media.address, "198.51.100.7")
        ear, voice = self.media(PHONE1, 40000), self.media(PROVIDER, 30000)
        voice.send((ROUTER_WAN, media.port))  # as the outer NAT would forward it
        rtp.expect(ear, voice, 1, (PROVIDER, 30000))


if __name__ == "__main__":
    main()
