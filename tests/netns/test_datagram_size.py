#!/usr/bin/python3
"""SIP over UDP in datagrams larger than a packet: they arrive complete, with the necessary changes (T3)."""

import socket

import tcp
from labtest import PROVIDER, ROUTER_WAN, main
from tcptest import PHONES, SIP_PORTS, Names, TcpTest, Transaction, description, peer_description

IP_MTU_DISCOVER, IP_PMTUDISC_DONT, IP_PMTUDISC_DO = 10, 0, 2
PACKET = 1500 - 28  # what fits a packet of Ethernet with its two headers


def filler(size):
    """Lines of a description, of so many bytes together."""
    lines = "".join(f"a=x-{n:05}:{'z' * 90}\r\n" for n in range(size // 100 + 1))
    return lines[:size - 2] + "\r\n"


class Pair:
    """A phone and the provider, each with one socket; messages in two versions as in tcptest."""

    def __init__(self, test, phone):
        self.near, self.far = test.udp(phone, SIP_PORTS[phone]), test.udp(PROVIDER, 5060)
        self.names = Names(phone, ROUTER_WAN, SIP_PORTS[phone], SIP_PORTS[phone])
        self.test, self.public = test, (ROUTER_WAN, SIP_PORTS[phone])

    def discover(self, how):
        """Whether packets of the two may be fragmented on the path."""
        for sock in (self.near, self.far):
            sock.socket.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, how)

    def close(self):
        self.near.close()
        self.far.close()

    def _pass(self, sender, receiver, to, pair):
        sent, wanted = (m.replace(b"/TCP", b"/UDP").replace(b"transport=tcp", b"transport=udp") for m in pair)
        sender.send(sent, to)
        heard, _ = receiver.receive()
        self.test.assertEqual(tcp.difference(heard, wanted), "")
        return len(sent), len(wanted)

    def out(self, template, body=""):
        """The lengths, as sent and as received, of a message that arrived correctly."""
        return self._pass(self.near, self.far, (PROVIDER, 5060), self.names.out(template, body))

    def in_(self, template, body=""):
        return self._pass(self.far, self.near, self.public, self.names.in_(template, body))


class DatagramSize(TcpTest):
    def pair(self, phone):
        """Of a phone that the router knows already."""
        pair = Pair(self, phone)
        self.addCleanup(pair.close)
        pair.out(Transaction().request())
        return pair

    def test_large_invites(self):
        """T3, CHECKLIST 10: INVITEs of 4, 20 and 60 kB are rewritten and delivered, out and in; their calls have pinholes."""
        for phone in PHONES.values():
            pair = self.pair(phone)
            for size in (4_000, 20_000, 60_000):
                call = Transaction("INVITE")
                sent, heard = pair.out(call.request(), description(more=filler(size)))
                self.assertNotEqual(sent, heard)
                pair.in_(call.answer(180))
                self.assertTrue(self.pinholes(call.id), f"{size} bytes out")
                pair.in_(call.answer(486))
                call = Transaction("INVITE")
                pair.in_(call.peer_request(), peer_description(more=filler(size)))
                self.assertIn(call.id, self.calls(), f"{size} bytes in")
                pair.out(call.phone_answer(486))
            self.assertGreater(self.lab.captures["wan"].fragments(True), 50)
            self.assertGreater(self.lab.captures["wan"].fragments(False), 50)
            pair.close()
        self.assert_no_inside_address_outside()

    def test_large_answers(self):
        """T3: descriptions of 20 kB in answers, both ways."""
        for phone in PHONES.values():
            pair = self.pair(phone)
            call = Transaction("INVITE")
            pair.out(call.request(), description())
            pair.in_(call.answer(200), peer_description(more=filler(20_000)))
            pair.out(call.request("", "ACK"))
            self.assertEqual({p["remote"] for p in self.pinholes(call.id)}, {PROVIDER})
            call = Transaction("INVITE")
            pair.in_(call.peer_request(), peer_description())
            pair.out(call.phone_answer(200), description(more=filler(20_000)))
            self.assertTrue(self.pinholes(call.id))
            pair.close()

    def around_a_packet(self, pair, discover):
        """Every length at which the message as sent or as received just fits a packet."""
        pair.discover(discover)
        grown = {"out": set(), "in": set()}
        routes = "".join(f"Record-Route: <sip:{{sig}};lr;n={n}>\n" for n in range(3))
        for way, say, of in (("out", pair.out, lambda t: t.request), ("in", pair.in_, lambda t: t.peer_request)):
            bare = None
            for size in range(PACKET - 45, PACKET + 1):
                transaction = Transaction()
                transaction.id = "x0000" if bare is None else f"x{size:04}"
                fill = 1 if bare is None else size - bare + 1
                sent, heard = say(of(transaction)(f"{routes}X-Filler: {'f' * fill}"))
                if bare is None:
                    bare = sent
                else:
                    self.assertEqual(sent, size)
                    grown[way].add(heard - PACKET)
        self.assertTrue(any(max(over) > 0 for over in grown.values()), grown)

    def test_growth_across_the_mtu(self):
        """T3: messages that just fit a packet as they are sent, or as they leave the router, arrive."""
        for phone in PHONES.values():
            pair = self.pair(phone)
            self.around_a_packet(pair, IP_PMTUDISC_DONT)
            pair.close()
        self.assertGreater(self.lab.captures["wan"].fragments(True) + self.lab.captures["lan"].fragments(True), 20)

    def test_growth_with_df(self):
        """T3: the same from senders that forbid fragmentation (DF): the router may fragment the rewritten packet."""
        for phone in PHONES.values():
            pair = self.pair(phone)
            self.around_a_packet(pair, IP_PMTUDISC_DO)
            pair.close()

    def test_narrow_line(self):
        """T3: the MTU outside is smaller than inside, as with PPPoE."""
        for namespace, device in ((self.lab.router, "wan"), (self.lab.provider, "eth0")):
            self.addCleanup(namespace.run, "ip", "link", "set", device, "mtu", 1500)
            namespace.run("ip", "link", "set", device, "mtu", 1400)
        for phone in PHONES.values():
            pair = self.pair(phone)
            pair.discover(IP_PMTUDISC_DONT)
            for size in (1000, 1100, 1200, 4000):
                pair.out(Transaction("INVITE").request(), description(more=filler(size)))
                pair.in_(Transaction("INVITE").peer_request(), peer_description(more=filler(size)))
            pair.close()


if __name__ == "__main__":
    main()
