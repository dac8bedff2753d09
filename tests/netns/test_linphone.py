#!/usr/bin/python3
"""linphone through kamailio: a call put on hold, and a call transferred with Replaces (RFC 3891, 5589)."""

import unittest

import linphone
import peers
from labtest import PHONE1, PHONE2, PROVIDER, ROUTER_WAN, STRANGER, LabTest, main
from netns import wait_for

ENOUGH = 20  # packets of audio


@unittest.skipUnless(linphone.installed(), "needs Debian's linphone-cli")
class LinphoneCalls(LabTest):
    @classmethod
    def prepare(cls):
        peers.start_kamailio(cls.lab)
        super().prepare()

    def audio(self, where, source, destination):
        """The audio packets from address to address that a capture has seen so far."""
        return sum(1 for d in self.lab.captures[where].datagrams() if d.source[0] == source
                   and d.destination[0] == destination and d.payload[:1] == b"\x80" and not 192 <= d.payload[1] < 224)

    def talk(self, *ways):
        """Waits until there is audio on all ways, each (capture, source, destination)."""
        before = [self.audio(*way) for way in ways]
        for way, count in zip(ways, before):
            wait_for(lambda w=way, c=count: self.audio(*w) >= c + ENOUGH, 10, "audio at {} from {} to {}".format(*way))

    def test_pause(self):
        """D3 C4, CHECKLIST 5: a call that linphone pauses and resumes has audio both ways again, and then none."""
        phone = linphone.Linphone(self.lab, self.lab.phone1, "phone1", PROVIDER, 40000)
        peer = linphone.Linphone(self.lab, self.lab.stranger, "peer2", PROVIDER, 30000, answers=True)
        ways = ("phone1", STRANGER, PHONE1), ("wan", ROUTER_WAN, STRANGER)
        phone.command(f"call sip:peer2@{PROVIDER}")
        self.talk(*ways)
        phone.command("pause")
        phone.answers("calls", "Paused")
        peer.answers("calls", "PausedByRemote")
        phone.command("resume 1")
        phone.answers("calls", "StreamsRunning")
        self.talk(*ways)
        phone.command("terminate")
        peer.says("ended")
        self.assert_no_pinholes()
        self.assert_no_inside_address_outside()

    def test_attended_transfer(self):
        """C2 S5, CHECKLIST 14: a phone inside transfers a caller outside to a second phone inside, with which it has spoken."""
        first = linphone.Linphone(self.lab, self.lab.phone1, "phone1", PROVIDER, 40000)
        second = linphone.Linphone(self.lab, self.lab.phone2, "phone2", PROVIDER, 40000, answers=True)
        peer = linphone.Linphone(self.lab, self.lab.stranger, "peer2", PROVIDER, 30000, answers=True)
        first.command(f"call sip:peer2@{PROVIDER}")
        self.talk(("phone1", STRANGER, PHONE1))
        first.command("pause")
        first.answers("calls", "Paused")
        first.command(f"call sip:phone2@{PROVIDER}")
        self.talk(("phone1", PHONE2, PHONE1), ("phone2", PHONE1, PHONE2))
        first.command("transfer 1 --to-call 2")
        self.talk(("phone2", STRANGER, PHONE2), ("wan", ROUTER_WAN, STRANGER))
        first.says("ended", 2)
        second.command("terminate")
        peer.answers("calls", "No active call")
        self.assert_no_pinholes()


if __name__ == "__main__":
    main()
