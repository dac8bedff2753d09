#!/usr/bin/python3
"""IPv6: nothing is translated, pinholes open for exactly what was negotiated, and not a byte changes (N2)."""

import socket

import peers
import rtp
import sip
import tls
from lab import MEDIA_SERVER_6, PHONE1_6, PROVIDER_6, STRANGER_6
from labtest import PROVIDER, LabTest, main
from netns import Timeout, wait_for


def description(address, port, more=""):
    return (f"v=0\r\no=- 1 1 IN IP6 {address}\r\ns=-\r\nc=IN IP6 {address}\r\nt=0 0\r\n"
            f"m=audio {port} RTP/AVP 0\r\n{more}")


def text(method_or_status, cseq, call, branch, phone, to_tag="", body="", contact=None, more=()):
    """A message between the phone and the peer, with the phone as the caller."""
    first = (f"{method_or_status} sip:peer@[{PROVIDER_6}] SIP/2.0" if isinstance(method_or_status, str)
             else f"SIP/2.0 {method_or_status} Answer")
    lines = [first, f"Via: SIP/2.0/UDP [{phone}]:5060;branch=z9hG4bK{branch};rport",
             "From: <sip:phone@example.test>;tag=p", f"To: <sip:peer@example.test>{to_tag}", f"Call-ID: {call}",
             f"CSeq: {cseq}", *more]
    if contact:
        lines.append(f"Contact: {contact}")
    if body:
        lines.append("Content-Type: application/sdp")
    lines.append(f"Content-Length: {len(body)}")
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


class IPv6(LabTest):
    @classmethod
    def prepare(cls):
        cls.lab.enable_ipv6()
        cls.lab.start_daemon()

    def setUp(self):
        super().setUp()
        self.phone = self.lab.udp(self.lab.phone1, PHONE1_6, 5060)
        self.peer = self.lab.udp(self.lab.provider, PROVIDER_6, 5060)
        self.voice = rtp.RtpPort(self.lab, self.lab.phone1, PHONE1_6, 40000)
        self.far = rtp.RtpPort(self.lab, self.lab.provider, MEDIA_SERVER_6, 30000)

    def passes(self, sender, receiver, to, message):
        """It arrives byte for byte."""
        sender.send(message, to)
        heard, _ = receiver.receive(3)
        self.assertEqual(heard, message)

    def call(self, call_id="six"):
        """A confirmed call from the phone: its media are at the media server."""
        contact = f"<sip:phone@[{PHONE1_6}]:5060>"
        to_peer, to_phone = (PROVIDER_6, 5060), (PHONE1_6, 5060)
        self.passes(self.phone, self.peer, to_peer,
                    text("INVITE", "1 INVITE", call_id, "1", PHONE1_6, body=description(PHONE1_6, 40000), contact=contact))
        self.passes(self.peer, self.phone, to_phone,
                    text(200, "1 INVITE", call_id, "1", PHONE1_6, ";tag=b", description(MEDIA_SERVER_6, 30000),
                         f"<sip:peer@[{PROVIDER_6}]>"))
        self.passes(self.phone, self.peer, to_peer, text("ACK", "1 ACK", call_id, "2", PHONE1_6, ";tag=b"))

    def hang_up(self, call_id="six"):
        self.passes(self.phone, self.peer, (PROVIDER_6, 5060), text("BYE", "2 BYE", call_id, "3", PHONE1_6, ";tag=b"))
        self.passes(self.peer, self.phone, (PHONE1_6, 5060), text(200, "2 BYE", call_id, "3", PHONE1_6, ";tag=b"))

    def talk(self, first="right"):
        told_phone = sip.Media("audio", MEDIA_SERVER_6, 30000, (MEDIA_SERVER_6, 30001), "sendrecv")
        told_peer = sip.Media("audio", PHONE1_6, 40000, (PHONE1_6, 40001), "sendrecv")
        rtp.exchange(self.voice, told_phone, self.far, told_peer, first=first)

    def kept_out(self, namespace, address):
        self.voice.forget()
        rtp.RtpPort(self.lab, namespace, address, 31000).send((PHONE1_6, 40000))
        self.voice.hears_nothing()

    def test_call(self):
        """N2 C2 C7: nothing is open before, media of both sides pass after, media of a stranger never, and nothing
        remains."""
        self.kept_out(self.lab.provider, MEDIA_SERVER_6)
        self.call()
        self.assertEqual({(p["public"], p["inside"], p["remote"]) for p in self.pinholes("six")},
                         {(f"[{PHONE1_6}]:{port}", f"[{PHONE1_6}]:{port}", MEDIA_SERVER_6) for port in (40000, 40001)})
        self.talk()
        self.kept_out(self.lab.stranger, STRANGER_6)
        self.hang_up()
        self.assert_no_pinholes("six")
        wait_for(lambda: not self.lab.conntrack("-f", "ipv6", "-p", "udp", "--orig-port-dst", "40000"), 1,
                 "the media flows to leave conntrack")
        self.voice.forget()
        self.far.send((PHONE1_6, 40000))
        self.voice.hears_nothing()

    def test_killed(self):
        """N2 A5: after kill -9 media continue, the next daemon knows the call, and BYE closes it."""
        self.call()
        self.talk()
        self.lab.kill_daemon()
        self.talk()
        self.lab.start_daemon()
        self.assertEqual(self.calls()["six"]["state"], "confirmed")
        self.lab.forget_flows()
        self.talk()
        self.hang_up()
        self.assert_no_pinholes("six")
        self.kept_out(self.lab.provider, MEDIA_SERVER_6)

    def test_tls(self):
        """N4: TLS over IPv6 is shown like that over IPv4."""
        near, far = tls.connect(self.lab, self.lab.phone1, self.lab.provider, PROVIDER_6, 5061)
        tls.Connection(self.lab, near, far, "sip.example.com")
        flow = wait_for(lambda: [f for f in self.lab.ctl("flows") if f["kind"] == "tls"], 5, "the flow")[0]
        self.assertEqual((flow["phone"], flow["peer"], flow["sni"]),
                         (f"[{PHONE1_6}]:{near.getsockname()[1]}", f"[{PROVIDER_6}]:5061", "sip.example.com"))

    def test_registered(self):
        """N2 C8: a registered phone on its own port is reached only by its registrar."""
        phone = self.lab.udp(self.lab.phone1, PHONE1_6, 5070)
        stranger = self.lab.udp(self.lab.stranger, STRANGER_6, 5060)
        contact = f"<sip:phone@[{PHONE1_6}]:5070>"
        register = text("REGISTER", "1 REGISTER", "reg6", "9", PHONE1_6, contact=contact,
                        more=("Expires: 600",)).replace(b"]:5060;branch", b"]:5070;branch")
        self.passes(phone, self.peer, (PROVIDER_6, 5060), register)
        answer = text(200, "1 REGISTER", "reg6", "9", PHONE1_6, ";tag=r", contact=f"{contact};expires=600").replace(
            b"]:5060;branch", b"]:5070;branch")
        self.passes(self.peer, phone, (PHONE1_6, 5070), answer)
        binding, = self.lab.ctl("bindings")
        self.assertEqual((binding["public"], binding["inside"]), (f"[{PHONE1_6}]:5070",) * 2)
        self.lab.forget_flows()
        options = text("OPTIONS", "1 OPTIONS", "opt6", "10", PROVIDER_6)
        self.passes(self.peer, phone, (PHONE1_6, 5070), options)
        self.lab.forget_flows()
        stranger.send(options, (PHONE1_6, 5070))
        phone.hears_nothing()

    def test_call_over_tcp(self):
        """N2 T1: a call over TCP with split messages: no byte changes, media pass, and nothing remains."""
        listener = self.lab.tcp_listener(self.lab.provider, PROVIDER_6, 5060)
        near = self.lab.tcp(self.lab.phone1, PHONE1_6, (PROVIDER_6, 5060))
        far = self.lab.kept(listener.accept())
        self.assertEqual(far.remote, near.local)

        def passes(sender, receiver, message):
            message = message.replace(b"/UDP", b"/TCP").replace(b"]:5060>", b"]:5060;transport=tcp>")
            sender.send(message, (50, len(message) // 2))
            receiver.expect(message)
        invalid = self.lab.invalid_packets()
        contact = f"<sip:phone@[{PHONE1_6}]:5060>"
        passes(near, far, text("INVITE", "1 INVITE", "six-tcp", "1", PHONE1_6, body=description(PHONE1_6, 40000), contact=contact))
        passes(far, near, text(200, "1 INVITE", "six-tcp", "1", PHONE1_6, ";tag=b", description(MEDIA_SERVER_6, 30000),
                               f"<sip:peer@[{PROVIDER_6}]>"))
        passes(near, far, text("ACK", "1 ACK", "six-tcp", "2", PHONE1_6, ";tag=b"))
        self.assertEqual({p["remote"] for p in self.pinholes("six-tcp")}, {MEDIA_SERVER_6})
        self.talk()
        passes(near, far, text("BYE", "2 BYE", "six-tcp", "3", PHONE1_6, ";tag=b"))
        passes(far, near, text(200, "2 BYE", "six-tcp", "3", PHONE1_6, ";tag=b"))
        self.assert_no_pinholes("six-tcp")
        self.kept_out(self.lab.provider, MEDIA_SERVER_6)
        self.assertEqual(self.lab.invalid_packets(), invalid)

    def test_registered_over_tcp(self):
        """N2 C8: only the registrar can connect to the Contact of a phone that has registered over TCP."""
        door = self.lab.tcp_listener(self.lab.phone1, PHONE1_6, 5060)
        listener = self.lab.tcp_listener(self.lab.provider, PROVIDER_6, 5060)
        near = self.lab.tcp(self.lab.phone1, PHONE1_6, (PROVIDER_6, 5060))
        far = self.lab.kept(listener.accept())
        contact = f"<sip:phone@[{PHONE1_6}]:5060;transport=tcp>"
        register = text("REGISTER", "1 REGISTER", "reg6t", "9", PHONE1_6, contact=contact, more=("Expires: 600",))
        answer = text(200, "1 REGISTER", "reg6t", "9", PHONE1_6, ";tag=r", contact=f"{contact};expires=600")
        for sender, receiver, message in ((near, far, register), (far, near, answer)):
            message = message.replace(b"/UDP", b"/TCP")
            sender.send(message)
            receiver.expect(message)
        binding, = self.lab.ctl("bindings")
        self.assertEqual((binding["proto"], binding["inside"]), ("tcp", f"[{PHONE1_6}]:5060"))
        self.lab.tcp(self.lab.provider, PROVIDER_6, (PHONE1_6, 5060), timeout=1)
        door.accept().close()
        with self.assertRaises((Timeout, ConnectionError)):
            self.lab.tcp(self.lab.stranger, STRANGER_6, (PHONE1_6, 5060), timeout=0.4)

    def sipp(self, transport):
        """Calls of sipp's own scenario; the daemon must know each of them, and no byte may change."""
        options = text("OPTIONS", "1 OPTIONS", "first", "1", PHONE1_6)
        self.passes(self.phone, self.peer, (PROVIDER_6, 5060), options)  # so that neighbours are known, and no INVITE waits
        self.passes(self.peer, self.phone, (PHONE1_6, 5060), options)
        for end in (self.phone, self.peer):
            end.close()
        server = peers.start_answering(self.lab, self.lab.provider, PROVIDER_6, transport)
        client = self.lab.start(self.lab.phone1, "sipp", "-sn", "uac", "-t", transport, "-i", PHONE1_6, "-p", 5060, "-nostdin", "-m", 50, "-l", 10,
                                "-r", 100, "-d", 200, "-timeout", "30", "-timeout_error", f"[{PROVIDER_6}]:5060")
        most = self.most_while_running(client, self.pinholes)
        server.kill()
        self.assertGreater(most, 5, "hardly a call at a time")
        self.assert_no_pinholes(within=2)
        for out in (True, False):
            sent = self.messages("phone1" if out else "provider", True)
            self.assertGreaterEqual(len(sent), 150)
            self.assertEqual(sent, self.messages("provider" if out else "phone1", False))

    def messages(self, where, outgoing):
        return sorted(d.payload for d in self.lab.captures[where].messages() if d.outgoing == outgoing)

    def test_sipp_over_udp(self):
        """N2: fifty calls of sipp over UDP."""
        self.sipp("u1")

    def test_sipp_over_tcp(self):
        """N2 T1: fifty calls of sipp on one connection."""
        self.sipp("t1")

    def test_both_families(self):
        """N2: calls over IPv4 and IPv6 at once, through one table."""
        four = self.call_out(self.peer4_phone(), self.peer4())
        self.call()
        four.exchange()
        self.talk()
        self.hang_up()
        four.exchange()
        four.hang_up()
        self.assert_closed(four)

    def peer4(self):
        return LabTest.peer(self, PROVIDER)

    def peer4_phone(self):
        return LabTest.phone(self)


if __name__ == "__main__":
    assert socket.has_ipv6
    main()
