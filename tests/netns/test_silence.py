#!/usr/bin/python3
"""One-way audio with real packets."""

import time

from labtest import PHONE1, PROVIDER, LabTest, main, sip
from netns import wait_for


class Silence(LabTest):
    def talk(self, *talks, until, what):
        """Each (end, to) of `talks` sends 50 packets a second until the condition is true."""
        def tick():
            for end, to in talks:
                end.send(to)
            time.sleep(0.01)
            return until()
        return wait_for(tick, 30, what)

    def silent(self, call):
        return self.calls()[call.id]["media"][0]["silent"]

    def lines(self):
        return [line for line in self.lab.daemon.output().splitlines() if "one-way media" in line]

    def count(self, on):
        self.lab.router.set("net/netfilter/nf_conntrack_acct", int(on))
        self.assertEqual(self.lab.ctl("status")["media_counted"], on)

    def test_peer(self):
        """O5: a silent peer is reported after about ten seconds, once in the log, until it sends."""
        self.count(True)
        call = self.call_out()
        before = len(self.lines())
        self.assertIsNone(self.silent(call))
        out = (call.phone_rtp, (call.phone_told.address, call.phone_told.port))
        back = (call.peer_rtp, (call.peer_told.address, call.peer_told.port))
        start = time.monotonic()
        self.talk(out, until=lambda: self.silent(call) == "peer", what="the peer to be found silent")
        self.assertGreater(time.monotonic() - start, 9)
        line, = self.lines()[before:]
        self.assertIn(call.id, line)
        self.assertIn(f"from the peer ({PROVIDER}:30000)", line)
        # A short call triggers the conntrack scans, which otherwise run every 45 s.
        end = time.monotonic() + 11
        self.talk(out, back, until=lambda: time.monotonic() > end, what="both to talk")
        other = self.call_out(phone=self.phone(2), peer=self.peer(port=5070), peer_port=30010)
        self.talk(out, back, until=lambda: self.silent(call) is None, what="nobody to be silent")
        other.hang_up()
        self.assertEqual(len(self.lines()), before + 1)
        call.hang_up()
        self.assert_closed(call)

    def test_phone_without_counters(self):
        """O5: a phone that never sends is reported even without counters; a stream on hold is not checked."""
        self.count(False)
        call = self.call_out()
        held = self.call_out(phone=self.phone(2), peer=self.peer(port=5070), peer_port=30010)
        held.negotiate("peer", sip.sdp(PROVIDER, ("audio", 30010, "a=sendonly")),
                       sip.sdp("192.168.1.12", ("audio", 40000, "a=recvonly")))
        talks = [(c.peer_rtp, (c.peer_told.address, c.peer_told.port)) for c in (call, held)]
        self.talk(*talks, until=lambda: self.silent(call) == "phone", what="the phone to be found silent")
        self.assertIn(f"from the phone ({PHONE1}:40000)", self.lines()[-1])
        self.assertIsNone(self.silent(held))


if __name__ == "__main__":
    main()
