#!/usr/bin/python3
"""A widely used softphone, with its own RTP, against another one outside."""

import re

import peers
import test_ipv6
from lab import PHONE1_6, PROVIDER_6
from labtest import MEDIA_SERVER, PHONE1, PROVIDER, ROUTER_WAN, LabTest, main
from netns import wait_for


class BaresipCalls(LabTest):
    transport = "udp"

    @classmethod
    def prepare(cls):
        peers.start_kamailio(cls.lab)
        super().prepare()

    def media_packets(self, where, source, destination):
        """RTP packets that arrived at the host behind a capture. baresip takes its host's first address for media."""
        return sum(1 for d in self.lab.captures[where].datagrams() if not d.outgoing and d.destination == destination
                   and d.source == source and d.payload[:1] in (b"\x80", b"\x90"))

    def reports(self, where, destination):
        """Whether an RTCP sender report arrived at the host behind a capture."""
        return any(d.destination == destination and d.payload[1:2] == b"\xc8"
                   for d in self.lab.captures[where].datagrams() if not d.outgoing)

    def call(self, caller, callee, callee_user):
        caller.says("200 OK")
        callee.says("200 OK")
        caller.command("dial", f"sip:{callee_user}@{PROVIDER}")
        caller.says("Call established")
        callee.says("Call established")
        wait_for(lambda: self.media_packets("phone1", (PROVIDER, 30000), (PHONE1, 40000)) >= 50, 10,
                 "50 packets of audio to reach the phone")
        wait_for(lambda: self.media_packets("provider", (ROUTER_WAN, 40000), (PROVIDER, 30000)) >= 50, 10,
                 "50 packets of audio to reach the peer")
        # baresip sums up what its RTCP reports said; they come every five seconds.
        wait_for(lambda: self.reports("phone1", (PHONE1, 40001)) and self.reports("provider", (PROVIDER, 30001)), 15,
                 "RTCP sender reports at both ends")
        caller.command("hangup")
        callee.says("terminated")
        self.assert_no_pinholes()
        for end in (caller, callee):
            end.says("EX=BareSip")
            summary = re.search(r"EX=BareSip;.*PR=(\d+);.*PS=(\d+)", end.process.output())
            self.assertTrue(summary, end.process.output()[-2000:])
            self.assertGreaterEqual(int(summary.group(1)), 50, "packets received, as baresip counts")
            self.assertGreaterEqual(int(summary.group(2)), 50, "packets sent, as baresip counts")
        self.assert_no_inside_address_outside()

    def phones(self):
        return (peers.Baresip(self.lab, self.lab.phone1, PHONE1, "phone1", PROVIDER, 40000, transport=self.transport),
                peers.Baresip(self.lab, self.lab.provider, MEDIA_SERVER, "peer2", PROVIDER, 30000, port=5070,
                              transport=self.transport))

    def test_outgoing(self):
        """C2: baresip calls out through kamailio; a second of audio each way, counted at both ends."""
        phone, peer = self.phones()
        self.call(phone, peer, "peer2")
        phone.quit()
        peer.quit()

    def test_incoming(self):
        """C8: baresip is called through kamailio; a second of audio each way, counted at both ends."""
        phone, peer = self.phones()
        self.call(peer, phone, "phone1")
        phone.quit()
        peer.quit()


class BaresipOverIPv6(LabTest):
    """Two softphones that call each other without a server, and without translation."""

    @classmethod
    def prepare(cls):
        test_ipv6.IPv6.prepare.__func__(cls)

    def test_outgoing(self):
        """N2 N3: a call over IPv6 to a peer's address; audio comes in only through the pinholes."""
        phone = peers.Baresip(self.lab, self.lab.phone1, f"[{PHONE1_6}]", "phone1", f"[{PROVIDER_6}]", 40000,
                              registers=False)
        peer = peers.Baresip(self.lab, self.lab.provider, f"[{PROVIDER_6}]", "peer2", f"[{PROVIDER_6}]", 30000,
                             registers=False)
        phone.command("dial", f"sip:peer2@[{PROVIDER_6}]")
        phone.says("Call established")
        peer.says("Call established")
        for where, port in (("phone1", 40000), ("provider", 30000)):
            wait_for(lambda w=where, p=port: sum(
                1 for each in self.lab.captures[w].datagrams()
                if not each.outgoing and ":" in each.destination[0] and each.destination[1] == p) >= 50,
                10, f"50 packets of audio at {where}")
        self.assertTrue(all(row["public"] == row["inside"] for row in self.pinholes()))
        self.assertTrue(self.pinholes())
        phone.command("hangup")
        peer.says("terminated")
        self.assert_no_pinholes()
        phone.quit()
        peer.quit()


if __name__ == "__main__":
    main()
