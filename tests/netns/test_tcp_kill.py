#!/usr/bin/python3
"""TCP connections when the daemon is killed, restarted or stopped (T4): they continue or are reset, but are never
corrupted."""

import signal

from labtest import PHONE1, PHONE2, PROVIDER, main, wait_for
from tcptest import PHONES, SHORT_PHONE, TcpTest, Transaction, description, peer_description
import tcp

SANITIZED = True  # in every run of tests/run also with sanitizers


class Killed(TcpTest):
    """kill -9."""

    def test_between_messages(self):
        """T4: a connection whose length has changed waits for the next daemon, and then continues in both
        directions."""
        connections = [self.shifted(phone) for phone in PHONES.values()]
        invalid = self.lab.invalid_packets()
        self.lab.kill_daemon()
        requests, answers = [], []
        for connection in connections:
            requests.append(connection.names.out(Transaction("INVITE").request(), description()))
            answers.append(connection.names.in_(Transaction("INVITE").peer_request(), peer_description()))
            connection.near.send(requests[-1][0])
            connection.far.send(answers[-1][0])
        for connection in connections:
            connection.far.hears_nothing(0.3)
            connection.near.hears_nothing(0.01)
        self.lab.start_daemon()
        for connection, request, answer in zip(connections, requests, answers):
            connection.far.expect(request[1], 8)
            connection.near.expect(answer[1], 8)
            for _ in range(5):
                connection.options()
        self.assertEqual(self.lab.invalid_packets(), invalid, "conntrack found packets INVALID")

    def test_again_and_again(self):
        """T4: a connection survives three kills, with transactions and a new connection between them."""
        connections = [self.shifted(phone) for phone in PHONES.values()]
        for _ in range(3):
            self.lab.kill_daemon()
            self.lab.start_daemon()
            for connection in connections:
                connection.options()
            connections.append(self.shifted())

    def test_under_way(self):
        """T4: killed while half a message is queued; the bytes that arrive are correct, and are followed by the rest or
        by a reset."""
        for phone in PHONES.values():
            for way in ("out", "in"):
                with self.subTest(phone=phone, way=way):
                    connection = self.shifted(phone)
                    if way == "out":
                        sender, receiver = connection.near, connection.far
                        sent, wanted = connection.names.out(Transaction("INVITE").request(), description())
                    else:
                        sender, receiver = connection.far, connection.near
                        sent, wanted = connection.names.in_(Transaction("INVITE").peer_request(), peer_description())
                    sender.send(sent[:len(sent) // 2])
                    sender.wait_sent()
                    self.lab.kill_daemon()
                    self.lab.start_daemon()
                    try:
                        sender.send(sent[len(sent) // 2:])
                    except ConnectionError:
                        pass
                    heard, how = receiver.rest(8, enough=len(wanted))
                    self.assertTrue(wanted.startswith(heard), tcp.difference(heard, wanted))
                    self.assertIn(how, ("more", "reset"))
                    if how == "more":
                        connection.options()

    def test_large_message_under_way(self):
        """T4: killed during a message of 60 kB, of which a part may already have been sent or acknowledged."""
        filler = "".join(f"a=x-{n:05}:{'z' * 90}\r\n" for n in range(600))
        connection = self.shifted(SHORT_PHONE)
        sent, wanted = connection.names.out(Transaction("INVITE").request(), description(more=filler))
        connection.near.send(sent[:40_000])
        self.lab.kill_daemon()
        self.lab.start_daemon()
        try:
            connection.near.send(sent[40_000:])
        except ConnectionError:
            pass
        heard, how = connection.far.rest(10, enough=len(wanted))
        self.assertTrue(wanted.startswith(heard), tcp.difference(heard, wanted))
        self.assertIn(how, ("more", "reset"))
        if how == "more":
            connection.options()

    def test_ends_without_daemon(self):
        """T4 X8: if the ends of a changed connection close it while no daemon runs, it closes when the next one has
        started."""
        connection = self.shifted(SHORT_PHONE)
        self.lab.kill_daemon()
        connection.near.finish()
        connection.far.hears_nothing(0.2)
        self.lab.start_daemon()
        connection.far.expect_end(8)
        connection.far.finish()
        connection.near.expect_end()

    def test_unchanged(self):
        """T4 A6: a connection on which nothing was changed continues unmodified without a daemon, and with the next
        one."""
        connection = self.connection()
        for end, other in ((connection.near, connection.far), (connection.far, connection.near)) * 2:
            end.send(b"\r\n\r\n")
            other.expect(b"\r\n\r\n")
        self.lab.kill_daemon()
        connection.near.send(b"\r\n\r\n")
        connection.far.expect(b"\r\n\r\n")
        sent, _ = connection.names.out(Transaction("INVITE").request(), description())
        connection.near.send(sent)
        connection.far.expect(sent)
        connection.far.send(b"\r\n")
        connection.near.expect(b"\r\n")
        self.lab.start_daemon()
        connection.near.send(sent)
        connection.far.expect(sent)
        connection.far.send(b"\r\n")
        connection.near.expect(b"\r\n")
        self.opens_nothing()

    def test_no_sip(self):
        """T4: a connection that does not carry SIP continues without a daemon and with the next one."""
        connection = self.connection(SHORT_PHONE)
        noise = bytes.fromhex("16030100c2010000be0303") + self.rng.randbytes(20_000)
        for step in (lambda: None, self.lab.kill_daemon, self.lab.start_daemon):
            step()
            connection.near.send(noise)
            connection.far.expect(noise)
            connection.far.send(noise)
            connection.near.expect(noise)
        self.opens_nothing()

    def test_registration_goes_on(self):
        """T4 A5, CHECKLIST 28: a registration made before the kill is known after it, on the same connection."""
        connection = self.connection(PHONE1)
        transaction = Transaction("REGISTER")
        connection.out(transaction.request("Expires: 600"))
        ok = transaction.answer(200).replace("<sip:peer@203.0.113.10:5060;transport=tcp>",
                                             "<sip:phone@{sig};transport=tcp>;expires=600")
        connection.in_(ok)
        binding, = self.lab.ctl("bindings")
        self.assertEqual((binding["proto"], binding["inside"]), ("tcp", connection.names.inside["sig"]))
        self.lab.kill_daemon()
        self.lab.start_daemon()
        self.assertEqual([b["public"] for b in self.lab.ctl("bindings")], [binding["public"]])
        connection.options()


class Flooded(TcpTest):
    """A flood of more packets than the daemon can handle."""

    def full(self):
        """Whether the kernel accepts packets that should wait for the daemon."""
        rows = (line.split() for line in self.lab.router.read("net/netfilter/nfnetlink_queue").splitlines())
        return any(row[0] == "5060" and (int(row[2]) >= 4096 or int(row[6]) > 0) for row in rows)

    def test_changed(self):
        """T4: datagrams of a flood pass unread when the queue is full; segments of a changed connection never do."""
        connections = [self.shifted(phone) for phone in PHONES.values()]
        flood, peer = self.udp(PHONE2, 5060), self.udp(PROVIDER, 5060)
        said = []
        self.lab.daemon.send(signal.SIGSTOP)
        try:
            for _ in range(50):
                if self.full():
                    break
                for _ in range(200):
                    flood.send(b"\r\n\r\n", (PROVIDER, 5060))
            self.assertTrue(self.full(), "this is no flood")
            for connection in connections:
                said.append((connection.names.out(Transaction("INVITE").request(), description()),
                             connection.names.in_(Transaction("INVITE").peer_request(), peer_description())))
                connection.near.send(said[-1][0][0])
                connection.far.send(said[-1][1][0])
            flood.send(b"\r\n", (PROVIDER, 5060))
            wait_for(lambda: peer.receive()[0] == b"\r\n", 3, "a datagram that passes the full queue")
        finally:
            self.lab.daemon.send(signal.SIGCONT)
        for connection, (out, in_) in zip(connections, said):
            connection.far.expect(out[1], 10)
            connection.near.expect(in_[1], 10)
            connection.options()


class Stopped(TcpTest):
    """SIGTERM removes everything from the kernel, including the sequence maps of connections."""

    def test_changed(self):
        """T4: after a clean stop neither end receives a wrong byte; a connection that cannot continue ends at once."""
        connections = [self.shifted(phone) for phone in PHONES.values()]
        self.lab.stop_daemon()
        self.assert_reset(connections)
        self.lab.start_daemon()
        self.connection().options()

    def test_within_a_message(self):
        """T4: the same while half a message is queued."""
        for phone in PHONES.values():
            self.assert_cut_off(phone, self.lab.stop_daemon)
            self.lab.start_daemon()

    def test_unchanged(self):
        """T4 A6: connections without a change continue during stop and start without any effect."""
        connection = self.connection()
        connection.near.send(b"\r\n\r\n")
        connection.far.expect(b"\r\n\r\n")
        for step in (self.lab.stop_daemon, self.lab.start_daemon):
            step()
            sent, _ = connection.names.out(Transaction("INVITE").request(), description())
            connection.near.send(sent)
            connection.far.expect(sent)
            connection.far.send(b"\r\n")
            connection.near.expect(b"\r\n")
        self.opens_nothing()

    def test_first_message_under_way(self):
        """T4: the queued part of a first message is not lost at a stop: nothing was changed, so all of it arrives
        unmodified."""
        connection = self.connection()
        sent, _ = connection.names.out(Transaction("INVITE").request(), description())
        connection.near.send(sent[:200])
        connection.near.wait_sent()
        self.lab.stop_daemon()
        connection.near.send(sent[200:])
        heard, how = connection.far.rest(8, enough=len(sent))
        self.assertTrue(sent.startswith(heard), tcp.difference(heard, sent))
        self.assertIn(how, ("more", "reset"))
        self.lab.start_daemon()


if __name__ == "__main__":
    main()
