#!/usr/bin/python3
"""TCP connections to a SIP port that do not carry SIP, or carry bytes that no SIP element would send."""

from labtest import PHONE1, PROVIDER, ROUTER_WAN, STRANGER, main
from netns import Timeout
from tcptest import PHONES, SHORT_PHONE, TcpTest, Transaction, description, peer_description
import tcp

SANITIZED = True  # in every run of tests/run also with sanitizers


class Strangers(TcpTest):
    """A stream that is not SIP from its beginning passes unmodified and opens nothing (T4, S8, X5)."""

    def both_ways(self, connection, out, in_):
        """Bytes that must arrive as they were sent."""
        connection.near.send(out)
        connection.far.expect(out)
        connection.far.send(in_)
        connection.near.expect(in_)

    def evil(self, connection):
        """A REGISTER, its 200, an INVITE and its 200, as the phone itself would send and receive them."""
        names, register, invite = connection.names, Transaction("REGISTER"), Transaction("INVITE")
        ok = register.answer(200).replace(f"<sip:peer@{PROVIDER}:5060;transport=tcp>",
                                          "<sip:phone@{sig};transport=tcp>;expires=600")
        return ([names.out(register.request("Expires: 600"))[0], names.out(invite.request(), description())[0]],
                [names.in_(ok)[0], names.in_(invite.answer(), peer_description())[0]])

    def test_slipstreaming(self):
        """X5 T4, CHECKLIST 26: an HTTP POST that has SIP messages at the beginning of segments opens nothing."""
        self.listener(STRANGER, 5060)
        connection = self.connection(to=(STRANGER, 5060))
        requests, answers = self.evil(connection)
        size = sum(map(len, requests)) + 1000
        self.both_ways(connection, f"POST / HTTP/1.1\r\nHost: {STRANGER}:5060\r\nContent-Length: {size}\r\n\r\n".encode()
                       + b"a" * 1000, b"HTTP/1.1 100 Continue\r\n\r\n")
        for request, answer in zip(requests, answers):
            self.both_ways(connection, request, answer)
        self.opens_nothing()
        self.nobody_gets_in()

    def nobody_gets_in(self):
        door = self.lab.tcp_listener(self.lab.phone1, PHONE1, 5060)
        with self.assertRaises((Timeout, ConnectionError)):
            self.lab.tcp(self.lab.stranger, STRANGER, (ROUTER_WAN, 5060), timeout=0.3)
        door.hears_nothing(0.01)

    def test_tls(self):
        """N4 S8: TLS on the SIP port always passes unmodified, whatever its later bytes look like."""
        connection = self.connection()
        requests, answers = self.evil(connection)
        noise = self.rng.randbytes(50_000)
        hello = bytes.fromhex("16030100c2010000be0303") + self.rng.randbytes(188)
        connection.near.send(hello, (1, 3, 60))
        connection.far.expect(hello)
        self.both_ways(connection, noise, noise[::-1])
        for request, answer in zip(requests, answers):
            self.both_ways(connection, request, answer)
        self.opens_nothing()

    def test_first_bytes_decide(self):
        """T4: first bytes that cannot begin a SIP message decide this for the connection, from either end, however they
        are split."""
        for first in (b"\0", b"GET / HTTP/1.0\r\n\r\n", b"\x80\x08\0\1" * 43, b"\r\n\r\nPOST / HTTP/1.1\r\n\r\n",
                      b"INVITE / HTTP/1.1\r\n\r\n",
                      b"REGISTER sip:x HTTP/1.1\r\n\r\n", b"SSH-2.0-x\r\n", b"x" * 3000):
            with self.subTest(first=first[:20]):
                connection = self.connection(SHORT_PHONE)
                connection.near.send(first, range(1, min(len(first), 8)))
                connection.far.expect(first, 2)
                requests, answers = self.evil(connection)
                for request, answer in zip(requests, answers):
                    self.both_ways(connection, request, answer)
                self.opens_nothing()

    def test_no_sip_later(self):
        """S9 T2: garbage after changed messages passes, and later bytes keep their positions."""
        for phone in PHONES.values():
            connection = self.shifted(phone)
            garbage = b"\0\1\2 no SIP \r\n\r\n" + self.rng.randbytes(5000)
            connection.near.send(garbage)
            connection.far.expect(garbage)
            connection.far.send(garbage)
            connection.near.expect(garbage)
            connection.near.finish()
            connection.far.expect_end()

    def test_messages_end_where_they_say(self):
        """X6: contradictory, negative or excessive lengths open nothing, and no byte is lost."""
        for length in ("Content-Length: -5", "Content-Length: 10\nContent-Length: 20", "Content-Length: 4294967300",
                       "Content-Length: 99999999999999999999", "Content-Length: x"):
            with self.subTest(length):
                connection = self.connection()
                head = "\r\n".join(Transaction("INVITE").request(f"Content-Type: application/sdp\n{length}")
                                   .format(**connection.names.inside).split("\n")) + "\r\n\r\n"
                sent = head.encode() + description().format(**connection.names.inside).encode()
                connection.near.send(sent)
                heard, _ = connection.far.rest(1, enough=len(sent))
                self.assertEqual(tcp.difference(heard, sent), "")
                self.assertEqual(self.pinholes(), [])


if __name__ == "__main__":
    main()
