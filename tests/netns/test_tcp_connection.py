#!/usr/bin/python3
"""The life of a TCP connection whose bytes are changed: its end, idle times, and many connections at once."""

import socket

from lab import program
from labtest import PHONE1, PHONE2, PROVIDER, ROUTER_WAN, main
from netns import Timeout, wait_for
from tcptest import PHONES, SHORT_PHONE, TcpTest, Transaction, description, peer_description
import tcp
from capture import ACK, RST, SYN

SANITIZED = True  # in every run of tests/run also with sanitizers

# linux/tcp.h
TCP_KEEPIDLE, TCP_KEEPINTVL, TCP_KEEPCNT = 4, 5, 6


class Ends(TcpTest):
    """After the length of both streams has changed, every way to end a connection still works (T2)."""

    def states(self, namespace, stream):
        """The output of `ss` about a connection, also after its socket was closed."""
        (address, port), (remote, remote_port) = stream.local, stream.remote
        said = namespace.run("ss", "-Htan", "src", f"{address}:{port}", "dst", f"{remote}:{remote_port}").stdout
        return [line.split()[0] for line in said.splitlines()]

    def test_half_close_by_phone(self):
        """T2: the phone has closed its direction, and still receives messages of the provider."""
        for phone in PHONES.values():
            connection = self.shifted(phone)
            transaction = Transaction()
            connection.out(transaction.request())
            connection.near.finish()
            connection.far.expect_end()
            for _ in range(3):
                connection.in_(transaction.answer())
            connection.far.finish()
            connection.near.expect_end()

    def test_half_close_by_peer(self):
        """T2: the provider has closed its direction, and still receives messages of the phone."""
        for phone in PHONES.values():
            connection = self.shifted(phone)
            transaction = Transaction()
            connection.in_(transaction.peer_request())
            connection.far.finish()
            connection.near.expect_end()
            for _ in range(3):
                connection.out(transaction.phone_answer())
            connection.near.finish()
            connection.far.expect_end()

    def test_end_with_the_last_byte(self):
        """T2: a FIN in the segment of a message takes effect after the message, and both hosts end the connection."""
        for phone in PHONES.values():
            connection = self.shifted(phone)
            transaction = Transaction()
            sent, wanted = connection.names.out(transaction.request())
            connection.near.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
            connection.near.send(sent)
            connection.near.finish()
            connection.far.expect(wanted)
            connection.far.expect_end()
            sent, wanted = connection.names.in_(transaction.answer())
            connection.far.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
            connection.far.send(sent)
            connection.far.finish()
            connection.near.expect(wanted)
            connection.near.expect_end()
            wait_for(lambda c=connection: self.states(self.lab.provider, c.far) == [], 3, "the provider to be done with it")
            wait_for(lambda c=connection: self.states(self.lab.phone1, c.near) in ([], ["TIME-WAIT"]), 3,
                     "the phone to be done with it")

    def test_end_within_a_message(self):
        """T1 T2: the queued part of an incomplete message is not lost when the sender closes."""
        connection = self.shifted()
        sent, wanted = connection.names.out(Transaction("INVITE").request(), description())
        connection.near.send(sent[:250])
        connection.near.finish()
        heard, how = connection.far.rest(3)
        self.assertEqual(how, "end")
        self.assertIn(heard, (sent[:250], wanted[:len(heard)]))
        self.assertGreater(len(heard), 200)

    def test_reset(self):
        """T2: a reset by either end takes effect at the other at once."""
        for phone in PHONES.values():
            connection = self.shifted(phone)
            connection.near.reset()
            connection.far.expect_reset(1)
            connection = self.shifted(phone)
            connection.far.reset()
            connection.near.expect_reset(1)

    def test_reset_within_a_message(self):
        """T2: also when half a message is queued, without effect on the next connection."""
        connection = self.shifted()
        sent, wanted = connection.names.out(Transaction("INVITE").request(), description())
        connection.near.send(sent[:250])
        connection.near.reset()
        heard, how = connection.far.rest(1)
        self.assertEqual(how, "reset")
        self.assertTrue(sent.startswith(heard) or wanted.startswith(heard), heard)
        port = connection.near.local[1]
        self.connection(port=port).options()

    def test_forged(self):
        """T2 X4: forged SYNs, SYN-ACKs and resets change nothing (RFC 5961)."""
        for phone in PHONES.values():
            connection = self.shifted(phone)
            inside, outside, provider = connection.near.local, connection.far.remote, (PROVIDER, 5060)
            # Connection tracking itself drops a SYN to the end that has opened the connection.
            for liar, source, to, hearer, flags in ((self.lab.phone2, inside, provider, "provider", SYN),
                                                    (self.lab.stranger, provider, outside, "phone1", SYN | ACK),
                                                    (self.lab.stranger, provider, outside, "phone1", RST)):
                last = [s for s in self.lab.captures["provider"].segments() if s.outgoing and s.destination == outside][-1]
                behind = last.sequence + len(last.payload) + 1000
                tcp.forge(liar, source, to, flags, behind & 0xFFFFFFFF, last.acknowledged if flags & ACK else 0)
                wait_for(lambda h=hearer, f=flags: [s for s in self.lab.captures[h].segments()
                                                    if not s.outgoing and s.flags == f and s.window == 64000], 3,
                         f"{hearer} to hear the forged segment, flags {flags}")
                connection.options()

    def test_port_used_again(self):
        """T2: a new connection between the same ports as a closed one starts from the beginning."""
        connection = self.shifted()
        connection.far.finish()
        connection.near.expect_end()
        connection.near.finish()
        connection.far.expect_end()
        port = connection.near.local[1]
        connection.near.close()
        self.connection(port=port).options()

    def test_refused(self):
        """T2: no process listens: the phone gets the reset at once."""
        with self.assertRaises(ConnectionRefusedError):
            self.lab.tcp(self.lab.phone1, PHONE1, (PROVIDER, 5060))


class Silences(TcpTest):
    """Probes by the kernels of the two ends, with or without a byte, are translated too (T2)."""

    def test_keep_alive_probes(self):
        """T2: keep-alive probes of both ends are answered, so a changed connection outlives three of them."""
        connections = [self.shifted(phone) for phone in PHONES.values()]
        for connection in connections:
            for end in (connection.near, connection.far):
                for option, value in ((TCP_KEEPIDLE, 1), (TCP_KEEPINTVL, 1), (TCP_KEEPCNT, 2)):
                    end.socket.setsockopt(socket.IPPROTO_TCP, option, value)
                end.socket.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        ends = {c.near.local for c in connections}

        def probes():
            """The number of keep-alive probes from outside on each phone's connection: segments without data, one byte
            back."""
            sent = self.lab.captures["phone1"].segments()
            nothing = [s for s in sent if not s.outgoing and not s.payload and s.destination in ends]
            return {end: sum(1 for s in nothing if s.destination == end) for end in ends}
        before = probes()
        wait_for(lambda: all(probes()[end] >= before[end] + 3 for end in ends), 10, "three probes or their answers")
        for connection in connections:
            self.assertEqual(connection.near.info.state, tcp.Info.ESTABLISHED)
            self.assertEqual(connection.far.info.state, tcp.Info.ESTABLISHED)
            connection.options()

    def stuffed(self, sender, pairs):
        """Sends messages until the socket accepts no more. Returns the expected forms and the unsent bytes of the last
        one."""
        wanted = b""
        sender.socket.settimeout(0.5)
        for sent, heard in pairs:
            taken = 0
            wanted += heard
            try:
                while taken < len(sent):
                    taken += sender.socket.send(sent[taken:])
            except TimeoutError:
                return wanted, sent[taken:]
        raise AssertionError("all was taken, though nobody reads")

    def zero_window(self, direction):
        for phone in PHONES.values():
            connection = self.connection(phone, receive_buffer=4096)
            connection.options()
            out = direction == "out"
            sender, receiver = (connection.near, connection.far) if out else (connection.far, connection.near)
            sender.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
            say = connection.names.out if out else connection.names.in_
            request = (lambda: Transaction().request("X-Filler: " + "f" * 900)) if out else (
                lambda: Transaction().peer_request("X-Filler: " + "f" * 900))
            wanted, left = self.stuffed(sender, (say(request()) for _ in range(1000)))
            self.assertGreater(len(wanted), 8000)
            # The reader repeats its window in answers to probes, or the last piece that fits is retransmitted
            # repeatedly.
            capture, tries = self.lab.captures["phone1" if out else "provider"], sender.info.retransmitted
            wait_for(lambda c=capture, s=sender, t=tries: s.info.retransmitted >= t + 3 or sum(
                1 for p in c.segments() if p.destination == s.local and p.window == 0 and not p.flags & RST) >= 3, 8,
                     "window probes and their answers")
            self.finish_sending(sender, receiver, left, wanted)
            connection.options()

    def finish_sending(self, sender, receiver, left, wanted):
        """Both directions in turn, since neither buffer has room for everything."""
        sender.socket.setblocking(False)
        heard = b""

        def step():
            nonlocal left, heard
            try:
                left = left[sender.socket.send(left):]
            except BlockingIOError:
                pass
            data, how = receiver.rest(0.01)
            self.assertEqual(how, "silence")
            heard += data
            return not left and len(heard) >= len(wanted)
        try:
            wait_for(step, 10, "the stream to go on when the reader reads again")
        except Timeout as error:
            raise AssertionError(f"{error}: {len(heard)} bytes of {len(wanted)}") from None
        self.assertEqual(tcp.difference(heard, wanted), "")

    def test_zero_window_out(self):
        """T2: the provider does not read for a while: its window closes, probes are sent, and then everything
        arrives."""
        self.zero_window("out")

    def test_zero_window_in(self):
        """T2: the phone does not read for a while."""
        self.zero_window("in")


class Many(TcpTest):
    """Many connections at once."""

    FLOWS = 300

    def test_hundreds_of_flows(self):
        """T1: three hundred connections, each with half a message; each continues as if it were the only one."""
        connections = [self.connection(phone) for phone in (*PHONES.values(),) * (self.FLOWS // 2)]
        transactions = [Transaction("INVITE") for _ in connections]
        pairs = [c.names.out(t.request(f"X-Filler: {'f' * n}"), description())
                 for n, (c, t) in enumerate(zip(connections, transactions))]
        for connection, (sent, _) in zip(connections, pairs):
            connection.near.send(sent[:len(sent) // 2])
        for connection, (sent, wanted) in zip(connections, pairs):
            connection.near.send(sent[len(sent) // 2:])
        for connection, (_, wanted) in zip(connections, pairs):
            connection.far.expect(wanted)
        for connection, transaction in zip(connections, transactions):
            connection.in_(transaction.answer(486))
        for connection in connections[::10]:
            connection.options()


    def resident_mib(self):
        with open(f"/proc/{self.lab.daemon.pid}/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmRSS")) / 1024

    @staticmethod
    def is_sanitized():
        with open(program("sipalgd"), "rb") as file:
            return b"__asan_init" in file.read()

    def test_unfinished_messages(self):
        """T1 X7: more incomplete messages than a phone's share of memory; none of them is corrupted, and no other phone
        is affected."""
        before = self.resident_mib()
        # 4 MiB are 67 of these messages. Few more: the daemon waits 10 s for the rest of one, and all wait at once.
        connections = [self.connection(PHONE1) for _ in range(80)]
        filler = "".join(f"a=x-{n:05}:{'z' * 90}\r\n" for n in range(620))
        pairs = [c.names.out(Transaction("INVITE").request(), description(more=filler)) for c in connections]
        for at in range(0, len(connections), 10):  # all at once would exceed the kernel's queue
            for connection, (sent, _) in zip(connections[at:at + 10], pairs[at:at + 10]):
                connection.near.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 18)
                connection.near.send(sent[:-1000])
            for connection in connections[at:at + 10]:
                connection.near.wait_acknowledged(20)
        self.connection(PHONE2).options()
        if not self.is_sanitized():  # AddressSanitizer keeps freed memory
            self.assertLess(self.resident_mib() - before, 64)
        changed = 0
        for connection, (sent, wanted) in zip(connections, pairs):
            try:
                connection.near.send(sent[-1000:])
                connection.near.finish()
            except OSError:
                pass  # reset
            heard, how = connection.far.rest(5)
            apart = min((tcp.difference(heard, whole) for whole in (wanted, sent)), key=len)
            if how == "end":
                self.assertEqual(apart, "")
                changed += heard == wanted
            else:
                self.assertEqual(how, "reset")
                self.assertTrue(sent.startswith(heard) or wanted.startswith(heard), apart)
        self.assertGreater(changed, 50, "the share is too small for that")
        self.connection(PHONE2).options()


class FromBefore(TcpTest):
    """Connections that are older than the daemon (T4)."""

    @classmethod
    def prepare(cls):
        """No daemon yet."""

    def test_pass_untouched(self):
        """T4: a connection from before the start passes unmodified and opens nothing; a new one is read."""
        old = self.connection()
        names, old.names = old.names, type(old.names)(PHONE1, ROUTER_WAN, *(2 * [old.near.local[1]]), translated=False)
        for _ in range(2):
            old.options()
        old.near.send(names.out(Transaction().request())[0][:50])
        old.far.receive(50)
        self.lab.start_daemon()
        try:
            register, invite = Transaction("REGISTER"), Transaction("INVITE")
            old.out(register.request("Expires: 600"))
            old.in_(register.answer(200, "Expires: 600"))
            old.out(invite.request(), description())
            old.in_(invite.answer(), peer_description())
            self.opens_nothing()
            self.connection(SHORT_PHONE).options()
            old.options()
        finally:
            self.lab.stop_daemon()


if __name__ == "__main__":
    main()
