"""The common part of the tests of SIP over TCP: connections through the router, and messages in two versions.

A Text has two forms: as one end sends it, and as the other end must receive it, byte for byte. There are two phones.
The address of one is longer than the router's outside address, so its messages shrink on the way out and grow on the
way in. The address of the other is shorter, with the opposite effect.
"""

import contextlib
import random
import re

import sip
import tcp
from lab import PHONE1, PHONE2, PROVIDER, ROUTER_WAN
from labtest import LabTest

SHORT_PHONE = "10.0.0.2"  # a second address of phone1, in a second subnet of the same cable
PHONES = {"shrinking": PHONE1, "growing": SHORT_PHONE}
# Their ports for signalling and media, all different, so that each phone keeps its ports outside.
SIP_PORTS = {PHONE1: 5060, SHORT_PHONE: 5062, PHONE2: 5064}
MEDIA_PORTS = {PHONE1: 40000, SHORT_PHONE: 42000, PHONE2: 44000}


class Names:
    """The endpoints of one phone, inside and outside. `port` is the one of its own that its connection has."""

    def __init__(self, phone, public, port, public_port, translated=True):
        listens, self.media = SIP_PORTS[phone], MEDIA_PORTS[phone]
        self.inside, self.public = ({"host": address, "sig": f"{address}:{listens}", "port": end, "media": self.media}
                                    for address, end in ((phone, port), (public, public_port)))
        if not translated:
            self.public = self.inside

    def out(self, template, body=""):
        """(as the phone sends it, as the peer must receive it)"""
        return write(template, body, self.inside), write(template, body, self.public)

    def in_(self, template, body=""):
        """(as the peer sends it, as the phone must receive it)"""
        return write(template, body, self.public), write(template, body, self.inside)


def write(template, body, names):
    """A message from header lines without Content-Length."""
    text = body.format(**names).encode()
    head = "\r\n".join(template.format(**names).strip("\n").split("\n"))
    kind = "\r\nContent-Type: application/sdp" if body else ""
    return f"{head}{kind}\r\nContent-Length: {len(text)}\r\n\r\n".encode() + text


def description(port="{media}", more=""):
    """A session description of the phone's."""
    return (f"v=0\r\no=- 7 7 IN IP4 {{host}}\r\ns=-\r\nc=IN IP4 {{host}}\r\nt=0 0\r\nm=audio {port} RTP/AVP 0\r\n"
            f"a=rtpmap:0 PCMU/8000\r\n{more}")


def peer_description(port=30000, more=""):
    """The peer's session description, in which nothing changes."""
    return (f"v=0\r\no=- 9 9 IN IP4 {PROVIDER}\r\ns=-\r\nc=IN IP4 {PROVIDER}\r\nt=0 0\r\nm=audio {port} RTP/AVP 0\r\n"
            f"a=rtpmap:0 PCMU/8000\r\n{more}")


class Transaction:
    """A request of the phone and its answer, or one of the peer, with the headers that the messages of a call have in
    common."""

    def __init__(self, method="OPTIONS", cseq=1):
        self.method, self.cseq = method, cseq
        self.id = sip.token("x")

    def _common(self, from_, to):
        return (f"From: <sip:{from_}@{PROVIDER}>;tag=f{self.id}\nTo: <sip:{to}@{PROVIDER}>{{tag}}\n"
                f"Call-ID: {self.id}\nCSeq: {self.cseq} {{method}}")

    def request(self, more="", method=None):
        """The phone's request, as a template. The lines `more` come after the others."""
        method = method or self.method
        common = self._common("phone", "peer").format(tag=";tag=p" if method == "ACK" else "", method=method)
        return (f"{method} sip:peer@{PROVIDER} SIP/2.0\nVia: SIP/2.0/TCP {{sig}};branch=z9hG4bK{self.id};rport\n"
                f"Max-Forwards: 70\n{common}\nContact: <sip:phone@{{sig}};transport=tcp>\n{more}")

    def answer(self, status=200, more=""):
        """The peer's answer to it."""
        common = self._common("phone", "peer").format(tag=";tag=p", method=self.method)
        return (f"SIP/2.0 {status} {sip.PHRASES.get(status, 'Answer')}\n"
                f"Via: SIP/2.0/TCP {{sig}};branch=z9hG4bK{self.id};received={{host}};rport={{port}}\n"
                f"{common}\nContact: <sip:peer@{PROVIDER}:5060;transport=tcp>\n{more}")

    def peer_request(self, more="", method=None):
        method = method or self.method
        common = self._common("peer", "phone").format(tag=";tag=p" if method == "ACK" else "", method=method)
        return (f"{method} sip:phone@{{sig}};transport=tcp SIP/2.0\n"
                f"Via: SIP/2.0/TCP {PROVIDER}:5060;branch=z9hG4bKp{self.id};rport\n"
                f"Max-Forwards: 70\n{common}\nContact: <sip:peer@{PROVIDER}:5060;transport=tcp>\n{more}")

    def phone_answer(self, status=200, more=""):
        """The phone's answer to the peer's."""
        common = self._common("peer", "phone").format(tag=";tag=p", method=self.method)
        return (f"SIP/2.0 {status} {sip.PHRASES.get(status, 'Answer')}\n"
                f"Via: SIP/2.0/TCP {PROVIDER}:5060;branch=z9hG4bKp{self.id};received={PROVIDER};rport=5060\n"
                f"{common}\nContact: <sip:phone@{{sig}};transport=tcp>\n{more}")


class Connection:
    """A phone's connection to the provider, with both ends and its name."""

    def __init__(self, near, far, names):
        self.near, self.far, self.names = near, far, names

    def out(self, template, body="", cuts=(), timeout=5.0):
        """The phone sends it, and the provider must receive the expected form."""
        sent, wanted = self.names.out(template, body)
        self.near.send(sent, cuts)
        self.far.expect(wanted, timeout)

    def in_(self, template, body="", cuts=(), timeout=5.0):
        """The provider sends it, and the phone must receive the expected form."""
        sent, wanted = self.names.in_(template, body)
        self.far.send(sent, cuts)
        self.near.expect(wanted, timeout)

    def options(self):
        """Runs a transaction in each direction, to prove that both work."""
        transaction = Transaction()
        self.out(transaction.request())
        self.in_(transaction.answer())
        transaction = Transaction()
        self.in_(transaction.peer_request())
        self.out(transaction.phone_answer())


class TcpTest(LabTest):
    """A lab whose first phone has a short address as well."""

    translated = True  # False: there is no daemon, and everything arrives as it was sent

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        try:
            cls.lab.phone1.address(f"{SHORT_PHONE}/24", "eth0")
            cls.lab.router.address("10.0.0.1/24", "lan")
        except BaseException:
            cls.lab.close()
            raise

    def namespace(self, address):
        return self.lab.phone1 if address == SHORT_PHONE else super().namespace(address)

    def setUp(self):
        super().setUp()
        self.rng = random.Random(self.id())
        self._listeners, self.own_ports = {}, set()

    def listener(self, address=PROVIDER, port=5060, **more):
        if (address, port) not in self._listeners:
            self._listeners[address, port] = self.lab.tcp_listener(self.namespace(address), address, port, **more)
        return self._listeners[address, port]

    def connection(self, phone=PHONE1, port=0, to=(PROVIDER, 5060), receive_buffer=None):
        listener = self.listener(*to, receive_buffer=receive_buffer)
        near = self.lab.tcp(self.namespace(phone), phone, to, port=port, receive_buffer=receive_buffer)
        far = self.lab.kept(listener.accept())
        self.own_ports.add(near.local[1])
        self.assertEqual(far.remote[0], ROUTER_WAN)
        return Connection(near, far, Names(phone, ROUTER_WAN, near.local[1], far.remote[1], self.translated))

    def shifted(self, phone=PHONE1):
        """A connection on which the length of both streams has already changed."""
        connection = self.connection(phone)
        for _ in range(3):
            connection.options()
        return connection

    def assert_reset(self, connections):
        """Both ends send, and receive a reset but no byte."""
        for connection in connections:
            out = connection.names.out(Transaction().request())
            in_ = connection.names.in_(Transaction().peer_request())
            for end, (sent, _) in ((connection.near, out), (connection.far, in_)):
                with contextlib.suppress(ConnectionError):
                    end.send(sent)
            for end in (connection.near, connection.far):
                self.assertEqual(end.rest(3), (b"", "reset"), f"{end}")

    def assert_cut_off(self, phone, between):
        """Sends half a message, calls `between()`, and sends the rest: the provider receives at most the message, then
        a reset."""
        connection = self.shifted(phone)
        sent, wanted = connection.names.out(Transaction("INVITE").request(), description())
        connection.near.send(sent[:300])
        connection.near.wait_sent()
        between()
        with contextlib.suppress(ConnectionError):
            connection.near.send(sent[300:])
        heard, how = connection.far.rest(3)
        self.assertTrue(wanted.startswith(heard), tcp.difference(heard, wanted))
        self.assertEqual(how, "reset")

    def opens_nothing(self):
        """There is no call, binding or way in, neither in the daemon nor in the kernel.

        The mapping that keeps a connection's port outside does not count.
        """
        for what in ("calls", "pinholes", "bindings"):
            self.assertEqual(self.lab.ctl(what), [], what)
        listing = self.lab.table()
        for name in ("pinholes", "pinholes_any", "latches", "learned"):
            self.assertIn(f"set {name} {{", listing)
            self.assertNotRegex(listing, rf"set {name} \{{[^}}]*elements", name)
        mapped = re.search(r"map mappings_in \{[^}]*?(?:elements = \{([^}]*))?\}", listing).group(1) or ""
        self.assertLessEqual({int(port) for port in re.findall(r": [0-9.]+ \. (\d+)", mapped)}, self.own_ports)
