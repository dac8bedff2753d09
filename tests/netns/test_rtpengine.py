#!/usr/bin/python3
"""Calls through kamailio with rtpengine: the provider relays all media, as most providers do."""

import unittest

import peers
from labtest import MEDIA_SERVER, PHONE1, PHONE2, PROVIDER, STRANGER, LabTest, main
from netns import wait_for

ENOUGH = 50  # packets of audio: a second
RELAY_PORTS = 35000, 35999


@unittest.skipUnless(peers.has_rtpengine(), "needs Debian's rtpengine-daemon")
class Relayed(LabTest):
    @classmethod
    def prepare(cls):
        peers.start_rtpengine(cls.lab, MEDIA_SERVER, RELAY_PORTS)
        peers.start_kamailio(cls.lab, relay=True)
        super().prepare()

    def hears_relay(self, where, address, port):
        """Waits until a second of audio from rtpengine has reached a host."""
        wait_for(lambda: sum(1 for d in self.lab.captures[where].datagrams() if not d.outgoing and len(d.payload) == 172
                             and d.source[0] == MEDIA_SERVER and RELAY_PORTS[0] <= d.source[1] <= RELAY_PORTS[1]
                             and d.destination == (address, port)) >= ENOUGH,
                 10, f"relayed audio to reach {where}")

    def call(self, caller, callee, heard):
        for phone in (caller, callee):
            phone.says("200 OK")
        caller.command("dial", f"sip:{callee.user}@{PROVIDER}")
        for each in heard:
            self.hears_relay(*each)
        for phone in (caller, callee):
            phone.says(f"established, receiving from {MEDIA_SERVER}:")
        self.assertEqual({p["remote"] for p in self.pinholes()}, {MEDIA_SERVER})
        caller.command("hangup")
        callee.says("terminated")
        self.assert_no_pinholes()
        self.assert_no_inside_address_outside()

    def phone(self, number=1, **more):
        address = {1: PHONE1, 2: PHONE2}[number]
        return peers.Baresip(self.lab, self.namespace(address), address, f"phone{number}", PROVIDER, 40000, **more)

    def test_outgoing(self):
        """C2 C5, CHECKLIST 2: a phone calls a peer; both hear the relay, only which has a pinhole."""
        peer = peers.Baresip(self.lab, self.lab.stranger, STRANGER, "peer2", PROVIDER, 30000)
        self.call(self.phone(), peer, [("phone1", PHONE1, 40000)])

    def test_between_phones(self):
        """C9 C5, CHECKLIST 22: two phones inside with equal RTP ports; their media go out to the relay and back."""
        self.call(self.phone(1), self.phone(2), [("phone1", PHONE1, 40000), ("phone2", PHONE2, 40000)])


if __name__ == "__main__":
    main()
