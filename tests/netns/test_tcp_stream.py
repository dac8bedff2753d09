#!/usr/bin/python3
"""SIP over TCP: each message is rewritten as a whole, however it is split, and no byte of the stream is lost."""

import tcp
from labtest import PHONE1, main
from conversation import Conversation
from tcptest import PHONES, SHORT_PHONE, TcpTest, Transaction, description, peer_description

SANITIZED = True  # in every run of tests/run also with sanitizers


class Cuts(TcpTest):
    """One message in pieces, and several in one."""

    def setUp(self):
        super().setUp()
        self.invalid = self.lab.invalid_packets()

    def tearDown(self):
        self.assertEqual(self.lab.invalid_packets(), self.invalid, "conntrack found packets INVALID")

    def every_cut(self, connection, sender, receiver, sent, wanted):
        before = sender.info.segments
        for cut in range(1, len(sent)):
            sender.send(sent, (cut,))
            try:
                receiver.expect(wanted, 2)
            except AssertionError as error:
                raise AssertionError(f"cut before byte {cut}: {error}") from None
        self.assertGreaterEqual(sender.info.segments - before, 2 * (len(sent) - 1), "the cuts were no segments")
        connection.options()

    def test_every_cut_out(self):
        """T1: an INVITE in two segments, cut at each place, arrives complete and rewritten, whether it grows or
        shrinks."""
        for phone in PHONES.values():
            connection = self.connection(phone)
            sent, wanted = connection.names.out(Transaction("INVITE").request(), description())
            self.every_cut(connection, connection.near, connection.far, sent, wanted)

    def test_every_cut_in(self):
        """T1 S4: so do an incoming INVITE and an answer."""
        for phone in PHONES.values():
            connection = self.connection(phone)
            connection.options()
            transaction = Transaction("INVITE")
            sent, wanted = connection.names.in_(transaction.peer_request(), peer_description())
            self.every_cut(connection, connection.far, connection.near, sent, wanted)
            transaction = Transaction("INVITE")
            connection.out(transaction.request(), description())
            sent, wanted = connection.names.in_(transaction.answer(), peer_description())
            self.every_cut(connection, connection.far, connection.near, sent, wanted)

    def test_three_segments(self):
        """T1, CHECKLIST 1: an INVITE cut inside Content-Length and inside c= is one correct message, and so are twenty more."""
        for phone in PHONES.values():
            connection = self.connection(phone)
            for _ in range(21):
                template, body = Transaction("INVITE").request(), description()
                sent, wanted = connection.names.out(template, body)
                connection.near.send(sent, (sent.index(b"Content-Length: ") + 17, sent.index(b"c=IN IP4") + 12))
                connection.far.expect(wanted)
            connection.options()

    def test_byte_at_a_time(self):
        """T1: messages sent byte by byte arrive in both directions, even if they exceed the congestion window."""
        connection = self.connection()
        transaction = Transaction("INVITE")
        sent, wanted = connection.names.out(transaction.request(), description())
        connection.near.send(sent, range(1, len(sent)))
        connection.far.expect(wanted, 2)
        sent, wanted = connection.names.in_(transaction.answer(), peer_description())
        connection.far.send(sent, range(1, len(sent)))
        connection.near.expect(wanted, 2)
        connection.options()

    def test_several_in_a_segment(self):
        """T1: two messages and half of a third in one segment, then the other half and a fourth message."""
        for phone in PHONES.values():
            connection = self.connection(phone)
            connection.options()
            for _ in range(10):
                pairs = [connection.names.out(Transaction().request()) for _ in range(4)]
                sent, wanted = (b"".join(version) for version in zip(*pairs))
                cut = sum(len(pair[0]) for pair in pairs[:2]) + self.rng.randrange(1, len(pairs[2][0]))
                before = connection.near.info.segments
                connection.near.send(sent, (cut,))
                self.assertEqual(connection.near.info.segments - before, 2)
                connection.far.expect(wanted)
            connection.options()

    def test_whole_messages_do_not_wait(self):
        """T1: a complete message is forwarded at once, although the segment has the beginning of another."""
        connection = self.connection()
        first, second = (connection.names.out(Transaction().request()) for _ in range(2))
        connection.near.send(first[0] + second[0][:100])
        connection.far.expect(first[1], 1)
        connection.near.send(second[0][100:])
        connection.far.expect(second[1])

    def test_keep_alives(self):
        """S8, CHECKLIST 26: CRLFs between messages arrive at once and in place, however they are split."""
        connection = self.connection(SHORT_PHONE)
        connection.options()
        for ping, cuts in ((b"\r\n\r\n", ()), (b"\r\n\r\n", (1, 2, 3)), (b"\r\n", ()), (b"\r\n\r\n\r\n\r\n", (3,))):
            connection.near.send(ping, cuts)
            connection.far.expect(ping, 1)
            connection.far.send(b"\r\n")
            connection.near.expect(b"\r\n", 1)
            connection.options()
        transaction = Transaction()
        sent, wanted = connection.names.out(transaction.request())
        for cut in range(1, 8):
            connection.near.send(b"\r\n\r\n" + sent + b"\r\n\r\n", (cut,))
            connection.far.expect(b"\r\n\r\n" + wanted + b"\r\n\r\n")

    def test_first_bytes_are_a_keep_alive(self):
        """S8 T4: a connection that begins with a keep-alive is still a SIP connection."""
        connection = self.connection()
        connection.near.send(b"\r\n\r\n")
        connection.far.expect(b"\r\n\r\n", 1)
        connection.options()


class Transactions(Conversation):
    """A long life of one connection."""

    COUNT = 1000

    def talk(self, phone):
        connection, invalid = self.connection(phone), self.lab.invalid_packets()
        connection.options()
        moved = self.converse(connection, self.COUNT)
        if self.translated:
            self.assert_changed(phone, moved)
        self.end(connection)
        self.assertEqual(self.lab.invalid_packets(), invalid, "conntrack found packets INVALID")

    def test_shrinking(self):
        """T1 T2 S4: a thousand transactions of a phone whose messages shrink on the way out; both streams are
        correct."""
        self.talk(PHONE1)

    def test_growing(self):
        """T1 T2 S4: the same of a phone whose messages grow."""
        self.talk(SHORT_PHONE)


class WithoutDaemon(Transactions):
    """A6: the same connections pass unmodified without a daemon, which shows that the tests above test the daemon."""

    COUNT = 200
    translated = False

    @classmethod
    def prepare(cls):
        """Nothing."""


class Sizes(TcpTest):
    """Large messages (T1, T3)."""

    FILL = "".join(f"a=x-{n:05}:{'z' * 90}\r\n" for n in range(1000))

    def filler(self, size):
        return self.FILL[:size - 2] + "\r\n"

    def test_64_kb_out(self):
        """T1, CHECKLIST 10: an INVITE of 64 kB does not stall, although the congestion window of a sender is only about
        14 kB."""
        for phone in PHONES.values():
            connection = self.connection(phone)
            for size in (20_000, 60_000, 63_900, 65_400):
                transaction = Transaction("INVITE")
                connection.out(transaction.request(), description(more=self.filler(size)), timeout=5)
                connection.in_(transaction.answer(486))
            connection.options()

    def test_64_kb_in(self):
        """T1: the same from the provider, as the first message and later."""
        for phone in PHONES.values():
            connection = self.connection(phone)
            connection.options()
            for size in (20_000, 60_000, 63_900, 65_400):
                transaction = Transaction("INVITE")
                connection.in_(transaction.peer_request(), peer_description(more=self.filler(size)), timeout=5)
                connection.out(transaction.phone_answer(486))
            connection.options()

    def test_64_kb_in_pieces(self):
        """T1: large messages in small segments, and several of them at once in both directions."""
        connection = self.connection(SHORT_PHONE)
        connection.options()
        for _ in range(3):
            mine, theirs = Transaction("INVITE"), Transaction("INVITE")
            out = connection.names.out(mine.request(), description(more=self.filler(50_000)))
            in_ = connection.names.in_(theirs.peer_request(), peer_description(more=self.filler(50_000)))
            pieces = range(0, 50_000, 700)
            connection.near.send(out[0], pieces)
            connection.far.send(in_[0], pieces)
            connection.far.expect(out[1], 5)
            connection.near.expect(in_[1], 5)
        connection.options()

    def too_large(self, connection, before):
        """A message of 100 kB, larger than the limit: whatever happens to it, no wrong byte arrives."""
        text = "".join(f"line {n:06} 192.168.1.11:5060 {'t' * 60}\r\n" for n in range(1100))
        template = Transaction("MESSAGE").request("Content-Type: text/plain")
        head = "\r\n".join(template.split("\n")) + f"\r\nContent-Length: {len(text)}\r\n\r\n"
        sent, wanted = (head.format(**view).encode() + text.encode()
                        for view in (connection.names.inside, connection.names.public))
        later = connection.names.out(Transaction().request())
        try:
            connection.near.send(sent + later[0])
            connection.near.finish()
        except OSError:
            pass  # reset
        heard, how = connection.far.rest(2)
        if how == "end":
            whole = [sent + later[1], wanted + later[1]] + ([] if before else [sent + later[0]])
            apart = min((tcp.difference(heard, stream) for stream in whole), key=len)
            self.assertEqual(apart, "")
        else:
            self.assertEqual(how, "reset", f"{len(heard)} bytes, and then nothing")
            self.assertTrue(sent.startswith(heard) or wanted.startswith(heard), f"corrupt: {heard[-200:]!r}")

    def test_100_kb(self):
        """T1: a message above the limit passes, unmodified or changed, or ends the connection; it is never corrupted or
        lost."""
        for phone in PHONES.values():
            self.too_large(self.connection(phone), before=False)
            self.too_large(self.shifted(phone), before=True)

    def test_segments_fit(self):
        """T3: a full segment that grows still arrives, in segments that fit the MTU: the lower MSS leaves room, and no
        packet is fragmented."""
        for phone in PHONES.values():
            connection = self.shifted(phone)
            routes = "\n".join(f"Record-Route: <sip:{{sig}};transport=tcp;lr;n={n}>" for n in range(40))
            for _ in range(20):
                transaction = Transaction("INVITE")
                connection.out(transaction.request(routes), description())
                connection.in_(transaction.answer(486, routes))
        self.assertEqual([self.lab.captures[end].fragments(False) for end in ("phone1", "provider")], [0, 0])
        mss = {way: {s.mss for s in self.lab.captures[way].segments() if s.mss and not s.outgoing} for way in ("phone1", "provider")}
        self.assertTrue(mss["phone1"] and mss["provider"])
        self.assertLess(max(mss["phone1"] | mss["provider"]), 1460, f"SYNs leave no room for growth: {mss}")


if __name__ == "__main__":
    main()
