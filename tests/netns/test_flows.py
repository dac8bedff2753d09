#!/usr/bin/python3
"""`sipalgctl flows`: TLS and DTLS are recognised and never changed (N4); SIP on other ports is found (N3)."""

import re
import subprocess

import peers
import tls
from labtest import MEDIA_SERVER, PHONE1, PROVIDER, ROUTER_WAN, STRANGER, LabTest, main
from netns import wait_for

NAME = "sip.example.com"


class FlowsTest(LabTest):
    def flows(self, **wanted):
        return [flow for flow in self.lab.ctl("flows") if all(flow[key] == value for key, value in wanted.items())]

    def flow(self, **wanted):
        """The only row."""
        rows = wait_for(lambda: self.flows(**wanted), 5, f"a flow with {wanted}")
        self.assertEqual(len(rows), 1, rows)
        return rows[0]

    def assert_nothing_open(self):
        for what in ("pinholes", "bindings", "calls"):
            self.assertEqual(self.lab.ctl(what), [])
        self.assertEqual(self.lab.ctl("status")["mappings"], 0)


class Encrypted(FlowsTest):
    def converse(self, connection):
        """Messages both ways, more than a segment long; the bytes arrive as they were sent."""
        for number in range(20):
            connection.say(connection.client, connection.server, b"INVITE sip:%d@a SIP/2.0" % number * 100)
            connection.say(connection.server, connection.client, b"SIP/2.0 200 OK" * 300)
        self.assertEqual(connection.client.sent, connection.server.heard)
        self.assertEqual(connection.server.sent, connection.client.heard)

    def test_tls(self):
        """N4: TLS on 5061 is shown with the server's name; of all its packets only the hello is queued."""
        queued, _ = self.lab.queue_counters()
        near, far = tls.connect(self.lab, self.lab.phone1, self.lab.provider, PROVIDER, 5061)
        self.converse(tls.Connection(self.lab, near, far, NAME))
        flow = self.flow(proto="tcp")
        self.assertEqual(flow["phone"], f"{PHONE1}:{near.getsockname()[1]}")
        self.assertEqual(flow["peer"], f"{PROVIDER}:5061")
        self.assertEqual((flow["kind"], flow["sni"], flow["opened_by"], flow["treatment"], flow["configured"]),
                         ("tls", NAME, "inside", "untouched", True))
        self.assertEqual(self.lab.queue_counters()[0] - queued, 1)
        self.assert_nothing_open()

    def test_ended(self):
        """O1: TLS flows without a conntrack entry are no longer shown."""
        near, far = tls.connect(self.lab, self.lab.phone1, self.lab.provider, PROVIDER, 5061)
        tls.Connection(self.lab, near, far, NAME)
        self.flow(kind="tls")

        def ended():
            self.lab.forget_flows()  # again, if a late segment has brought it back
            return self.flows(kind="tls") == []
        wait_for(ended, 3, "the flow to be forgotten")
        self.assertEqual(self.lab.ctl("status")["flows"]["tls"], 0)

    def test_tls_in_two_segments(self):
        """N4: a hello with the name in the second segment is shown without the name, and arrives complete."""
        near, far = tls.connect(self.lab, self.lab.phone1, self.lab.provider, PROVIDER, 5061)
        hello = b"\x16\x03\x01\x00\xc8\x01\x00\x00\xc4\x03\x03" + bytes(range(194))
        for part in (hello[:60], hello[60:]):
            near.sendall(part)
            self.assertEqual(far.recv(1000), part)
        self.assertEqual(self.flow(proto="tcp")["kind"], "tls")
        self.assertIsNone(self.flow(proto="tcp")["sni"])

    def test_tls_to_kamailio(self):
        """N4: baresip registers over TLS at kamailio; the flow is shown, nothing is opened, and no byte is changed."""
        if not peers.has_tls():
            self.skipTest("kamailio has no TLS module here")
        peers.start_kamailio(self.lab, tls=tls.certificate(self.lab), lasting=False)
        phone = peers.Baresip(self.lab, self.lab.phone1, PHONE1, "phone1", PROVIDER, 40000, transport="tls",
                              ca_file=tls.certificate(self.lab)[0])
        phone.says("200 OK")
        flow = self.flow(proto="tcp", peer=f"{PROVIDER}:5061")
        self.assertEqual((flow["kind"], flow["opened_by"], flow["treatment"]), ("tls", "inside", "untouched"))
        self.assert_nothing_open()
        phone.quit()

    def test_media_of_latching_peers(self):
        """N4: as the manual says, a phone over TLS receives media of a peer that latches, and of no other."""
        phone, peer = self.udp(PHONE1, 40000), self.udp(MEDIA_SERVER, 30000)
        peer.send(b"\x80 too early", (ROUTER_WAN, 40000))
        phone.hears_nothing()
        phone.send(b"\x80 from the phone", (MEDIA_SERVER, 30000))
        heard, source = peer.receive()
        self.assertEqual(heard, b"\x80 from the phone")
        peer.send(b"\x80 latched", source)
        self.assertEqual(phone.receive()[0], b"\x80 latched")
        self.udp(STRANGER, 30000).send(b"\x80 stranger", source)
        phone.hears_nothing()

    def test_media_by_rules_of_the_owner(self):
        """N4: the rules from the manual for such a phone admit the media of the provider only."""
        router = self.lab.router
        router.run("nft", "-f", "-", text_in=f"""
            table inet voice {{
                chain forward_media {{
                    type nat hook prerouting priority dstnat;
                    iifname "wan" ip saddr {PROVIDER}/31 udp dport 40000-40019 dnat ip to {PHONE1}
                }}
            }}
            insert rule inet admin forward ct status dnat accept comment "voice"
            """)
        try:
            phone = self.udp(PHONE1, 40002)
            self.udp(MEDIA_SERVER, 30000).send(b"\x80 in", (ROUTER_WAN, 40002))
            self.assertEqual(phone.receive()[0], b"\x80 in")
            self.udp(STRANGER, 30000).send(b"\x80 stranger", (ROUTER_WAN, 40002))
            phone.hears_nothing()
        finally:
            router.run("nft", "delete", "table", "inet", "voice")
            handle = re.search(r'comment "voice" # handle (\d+)',
                               router.run("nft", "-a", "list", "chain", "inet", "admin", "forward").stdout).group(1)
            router.run("nft", "delete", "rule", "inet", "admin", "forward", "handle", handle)

    def dtls(self, port):
        """Data both ways over DTLS between two openssl programs; their datagrams pass the router unmodified."""
        certificate, key = tls.certificate(self.lab)
        server = self.lab.start(self.lab.provider, "openssl", "s_server", "-dtls", "-accept", f"{PROVIDER}:{port}",
                                "-cert", certificate, "-key", key, name="dtls-server", stdin=subprocess.PIPE)
        wait_for(lambda: f":{port:04X} " in self.lab.provider.read("net/udp"), 10, "the server to listen")
        client = self.lab.start(self.lab.phone1, "openssl", "s_client", "-dtls", "-connect", f"{PROVIDER}:{port}",
                                "-servername", NAME, "-CAfile", certificate, name="dtls-client", stdin=subprocess.PIPE)
        for speaker, listener, words in ((client, server, "from the phone"), (server, client, "from the provider")):
            speaker.popen.stdin.write(words.encode() + b"\n")
            speaker.popen.stdin.flush()
            wait_for(lambda: words in listener.output(), 10, f"the words {words!r}")
        for end in (client, server):
            end.kill()
            end.popen.stdin.close()
        for sender, receiver in (("phone1", "provider"), ("provider", "phone1")):
            sent = [d.payload for d in self.lab.captures[sender].datagrams() if d.outgoing]
            heard = [d.payload for d in self.lab.captures[receiver].datagrams() if not d.outgoing]
            self.assertEqual(sent, heard)
            self.assertGreaterEqual(len(sent), 3)
        self.assert_nothing_open()

    def test_dtls(self):
        """N4: DTLS on 5061 is shown with the server's name, and its datagrams pass as they are."""
        self.dtls(5061)
        flow = self.flow(proto="udp")
        self.assertEqual((flow["peer"], flow["kind"], flow["sni"], flow["treatment"]),
                         (f"{PROVIDER}:5061", "dtls", NAME, "untouched"))

    def test_dtls_on_a_sip_port(self):
        """N4 S8: DTLS on 5060 is shown and passes in the same way."""
        self.dtls(5060)
        flow = self.flow(proto="udp")
        self.assertEqual((flow["peer"], flow["kind"], flow["sni"], flow["treatment"], flow["opened_by"]),
                         (f"{PROVIDER}:5060", "dtls", NAME, "untouched", "inside"))
        self.assertGreaterEqual(flow["packets_in"], 2)

    def test_http(self):
        """X5 S8: HTTP on 5060 is shown as such and opens nothing."""
        phone, peer = self.udp(PHONE1, 5060), self.udp(PROVIDER, 5060)
        phone.send(b"POST / HTTP/1.1\r\nHost: x\r\n\r\n", (PROVIDER, 5060))
        self.assertEqual(peer.receive()[0], b"POST / HTTP/1.1\r\nHost: x\r\n\r\n")
        flow = self.flow(phone=f"{PHONE1}:5060")
        self.assertEqual((flow["kind"], flow["treatment"]), ("http", "untouched"))
        self.assert_nothing_open()

    def test_signalling(self):
        """O1: a registered phone's flow counts packets each way; so do columns, status and metrics."""
        phone, registrar = self.phone(), self.peer()
        self.register(phone, registrar)
        flow = self.flow(phone=f"{PHONE1}:5060")
        self.assertEqual((flow["proto"], flow["peer"], flow["kind"], flow["treatment"], flow["packets"],
                          flow["packets_out"], flow["packets_in"], flow["configured"], flow["sni"]),
                         ("udp", f"{PROVIDER}:5060", "sip", "rewritten", 2, 1, 1, True, None))
        self.assertEqual(self.lab.ctl("status")["flows"]["sip"], 1)
        self.assertEqual(self.lab.ctl("status")["tls_ports"], [5061])
        self.assertIn('sipalg_flows{kind="sip"} 1\n', self.lab.ctl_run("metrics").stdout)
        heading, row = self.lab.ctl_run("flows").stdout.splitlines()
        self.assertEqual(heading.split(), ["PROTO", "PHONE", "PEER", "OPENED", "KIND", "TREATMENT", "PACKETS", "IDLE",
                                           "SERVER", "NAME"])
        self.assertEqual(row.split()[:7],
                         ["udp", f"{PHONE1}:5060", f"{PROVIDER}:5060", "inside", "sip", "rewritten", "2"])

    def test_other_ports_are_not_looked_at(self):
        """N3: without --find-sip, SIP on another port is not reported."""
        phone, peer = self.udp(PHONE1, 5072), self.udp(PROVIDER, 5070)
        phone.send(b"OPTIONS sip:a SIP/2.0\r\n\r\n", (PROVIDER, 5070))
        peer.receive()
        self.assertEqual(self.lab.ctl("flows"), [])


class Found(FlowsTest):
    daemon_options = ("--find-sip",)

    def said(self, words):
        return self.lab.daemon.output().count(words)

    def test_udp(self):
        """N3: a provider on UDP 5070 is reported once, with the option that is missing; its messages pass as they are."""
        phone, peer = self.phone(port=5072, hop=(PROVIDER, 5070)), self.peer(port=5070)
        for _ in range(2):
            dialog = phone.dialog(phone.user, (PROVIDER, 5070))
            phone.request("REGISTER", dialog, more=[("Expires", "600")])
            request = peer.hear("REGISTER")
            peer.reply(request, 200, more=[("Contact", request.get("Contact"))])
            phone.hear(200)
        self.assertIn(f"{PHONE1}:5072", request.get("Contact"))
        flow = self.flow(proto="udp")
        self.assertEqual((flow["phone"], flow["peer"], flow["kind"], flow["configured"], flow["treatment"],
                          flow["opened_by"], flow["packets_out"], flow["packets_in"]),
                         (f"{PHONE1}:5072", f"{PROVIDER}:5070", "sip", False, "untouched", "inside", 2, 2))
        self.assertEqual(self.said(f"SIP found: udp {PROVIDER}:5070"), 1)
        self.assertEqual(self.said("sip-port = 5070"), 1)
        self.assertIn("(no SIP port)", self.lab.ctl_run("flows").stdout)
        self.assertIn("searched for SIP", self.lab.ctl_run("status").stdout)
        self.assert_nothing_open()

    def test_tcp(self):
        """N3: a provider on TCP is reported in the same way."""
        near, far = tls.connect(self.lab, self.lab.phone1, self.lab.provider, PROVIDER, 5070)
        message = b"REGISTER sip:a SIP/2.0\r\nContact: <sip:a@192.168.1.11>\r\nContent-Length: 0\r\n\r\n"
        near.sendall(message)
        self.assertEqual(far.recv(1000), message)
        far.sendall(b"SIP/2.0 401 Unauthorized\r\n\r\n")
        self.assertEqual(near.recv(1000), b"SIP/2.0 401 Unauthorized\r\n\r\n")
        flow = self.flow(proto="tcp")
        self.assertEqual((flow["peer"], flow["kind"], flow["configured"], flow["packets_out"], flow["packets_in"]),
                         (f"{PROVIDER}:5070", "sip", False, 1, 1))
        self.assertEqual(self.said(f"SIP found: tcp {PROVIDER}:5070"), 1)
        self.assert_nothing_open()

    def test_what_is_configured_is_not_found(self):
        """N3: signalling on SIP ports, and of known phones, is handled as usual."""
        call = self.call_out(phone=self.phone(port=5074))
        call.exchange()
        call.hang_up()
        self.assertEqual(self.flows(configured=False), [])
        self.assertEqual(self.flow(phone=f"{PHONE1}:5074")["treatment"], "rewritten")
        self.assertEqual(self.said("SIP found"), 0)


if __name__ == "__main__":
    main()
