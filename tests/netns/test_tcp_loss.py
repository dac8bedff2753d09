#!/usr/bin/python3
"""SIP over TCP on bad lines: segments are lost, duplicated, delayed and reordered on either side of the router."""

import json
import os
import signal
import sys
import time

from capture import FIN, RST, SYN
from conversation import Conversation
from labtest import PHONE1, main
from netns import wait_for
from tcptest import PHONES, SHORT_PHONE, Transaction, description, peer_description

SANITIZED = True  # in every run of tests/run also with sanitizers

LINE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "line.py")
FILL = "".join(f"a=x-{n:05}:{'z' * 90}\r\n" for n in range(600))


def wrong_checksums(namespace):
    """The number of segments with a wrong checksum that a namespace received."""
    names, values = (line.split() for line in namespace.read("net/snmp").splitlines() if line.startswith("Tcp:"))
    return int(values[names.index("InCsumErrors")])


def acknowledged_unsent(capture):
    """Segments that acknowledge, or acknowledge selectively, what the host behind a capture has not sent."""
    first, sent, wrong = {}, {}, []
    for segment in capture.segments():
        if segment.outgoing:
            way = (segment.source, segment.destination)
            if segment.flags & SYN:
                first[way], sent[way] = segment.sequence, 0
            end = (segment.sequence + len(segment.payload) + bool(segment.flags & (SYN | FIN)) - first[way]) & 0xFFFFFFFF
            if end < 1 << 31:  # a keep-alive probe or a late duplicate acknowledges nothing new
                sent[way] = max(sent[way], end)
        elif not segment.flags & (SYN | RST):
            way = (segment.destination, segment.source)
            edges = [segment.acknowledged, *(edge for block in segment.sacks for edge in block)]
            if any((edge - first[way]) & 0xFFFFFFFF > sent[way] for edge in edges):
                wrong.append(segment._replace(payload=len(segment.payload)))
    return wrong


class BadLines(Conversation):
    """Two lines: one between phone and router, one between router and provider."""

    COUNT = 150

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        lab = cls.lab
        try:
            cls.lines = {"inside": lab.interpose(lab.phone1, "eth0", lab.router, "port1", "lan"),
                         "outside": lab.interpose(lab.router, "wan", lab.isp, "customer", "switch")}
            # Real phones wait at least 200 ms before they retransmit; that is the only reason for long times here.
            lab.phone1.run("ip", "route", "change", "default", "via", "192.168.1.1", "rto_min", "30ms")
            lab.provider.run("ip", "route", "change", "203.0.113.0/24", "dev", "eth0", "src", "203.0.113.10", "rto_min", "30ms")
        except BaseException:
            lab.close()
            raise

    def lay(self, **lines):
        """Starts the lines, each with the options of line.py."""
        self.processes = {}
        for name, namespace in self.lines.items():
            options = [word for key, value in {"seed": 7, **lines.get(name, {})}.items() for word in (f"--{key}", value)]
            process = self.lab.start(namespace, sys.executable, LINE, "near", "far", *options, name=f"line-{name}")
            self.processes[name] = process
        for process in self.processes.values():
            wait_for(lambda p=process: "ready\n" in p.output(), 5, "a line to be ready")
        self.before = [wrong_checksums(n) for n in (self.lab.phone1, self.lab.provider)]

    def taken_up(self, **lines):
        """Everything that the ends received was correct, and the lines have impaired the segments as requested."""
        for name, process in self.processes.items():
            process.stop()
            did = json.loads(process.output().splitlines()[-1])
            for option, count in (("loss", "lost"), ("duplicate", "duplicated"), ("reorder", "reordered")):
                if lines.get(name, {}).get(option):
                    self.assertGreater(did[count], 3, f"{name}: {did}")
        self.assertEqual([wrong_checksums(n) for n in (self.lab.phone1, self.lab.provider)], self.before)
        for end in ("phone1", "provider"):
            self.assertEqual(acknowledged_unsent(self.lab.captures[end])[:3], [], end)

    def talk(self, phone, seconds, **lines):
        """A conversation over such lines, large messages in both directions at once, and the end, within this number of
        seconds."""
        self.lay(**lines)
        connection = self.shifted(phone)
        for process in self.processes.values():
            process.send(signal.SIGUSR1)  # from now on they lose segments
        begun = time.monotonic()
        connection.options()  # the phone must have named its address before the peer can name it
        moved = self.converse(connection, self.COUNT, 10)
        for _ in range(3):
            mine, theirs = Transaction("INVITE"), Transaction("INVITE")
            out = connection.names.out(mine.request(), description(more=FILL))
            in_ = connection.names.in_(theirs.peer_request(), peer_description(more=FILL))
            connection.near.send(out[0])
            connection.far.send(in_[0])
            connection.far.expect(out[1], 20)
            connection.near.expect(in_[1], 20)
        self.end(connection, 10)
        spent = time.monotonic() - begun
        if self.translated:
            self.assert_changed(phone, moved)
        self.taken_up(**lines)
        self.assertLess(spent, seconds, "it went on, but much too slowly")

    def test_loss_inside(self):
        """T2: between phone and router every twentieth segment is lost."""
        self.talk(PHONE1, 30, inside={"loss": 0.05})

    def test_loss_outside(self):
        """T2: between router and provider every twentieth segment is lost."""
        self.talk(SHORT_PHONE, 30, outside={"loss": 0.05})

    def test_loss_on_both_sides(self):
        """T2: both lines lose segments with data and acknowledgements, in both directions."""
        self.talk(SHORT_PHONE, 60, inside={"loss": 0.03, "seed": 3}, outside={"loss": 0.03, "seed": 4})

    def test_duplication(self):
        """T2: every fifth segment comes twice, inside and outside."""
        for phone in PHONES.values():
            self.talk(phone, 15, inside={"duplicate": 0.2}, outside={"duplicate": 0.2, "seed": 8})

    def test_reordering(self):
        """T2: every fifth segment is overtaken by others, inside and outside."""
        for phone in PHONES.values():
            self.talk(phone, 20, inside={"reorder": 0.2, "late": 3}, outside={"reorder": 0.2, "late": 3, "seed": 8})

    def test_everything_and_delay(self):
        """T2: a long delay, and all impairments at once."""
        bad = {"delay": 5, "loss": 0.03, "duplicate": 0.05, "reorder": 0.1, "late": 8}
        for phone in PHONES.values():
            self.talk(phone, 60, inside=bad, outside={**bad, "seed": 9})

    def test_simultaneous_close(self):
        """T2: both ends close before either has received the other's FIN."""
        for phone in PHONES.values():
            self.lay(inside={"delay": 40})
            connection = self.connection(phone)
            for _ in range(2):
                connection.options()
            connection.near.finish()
            connection.far.finish()
            connection.near.expect_end()
            connection.far.expect_end()
            for namespace, end in ((self.lab.phone1, connection.near), (self.lab.provider, connection.far)):
                port = f"sport = :{end.local[1]} and dport = :{end.remote[1]}"
                wait_for(lambda n=namespace, p=port: n.run("ss", "-Htan", p).stdout.startswith("TIME-WAIT"), 3,
                         f"TIME-WAIT at {end}, as after a simultaneous close")
            self.taken_up()


if __name__ == "__main__":
    main()
