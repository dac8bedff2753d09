#!/usr/bin/python3
"""What the daemon reads of conntrack: the flows of phones and of pinholes, not those of other hosts."""

import re
import time

from lab import MEDIA_SERVER_6, PHONE1_6, PROVIDER_6
from labtest import MEDIA_SERVER, PHONE3, STRANGER, LabTest, main, sip
from netns import wait_for

FOREIGN = 400


class OwnFlows(LabTest):
    @classmethod
    def prepare(cls):
        cls.lab.enable_ipv6()
        cls.lab.router.set("net/netfilter/nf_conntrack_acct", 1)
        super().prepare()

    def scans(self):
        """(number of entries, which) of each scan so far."""
        return [(int(number), which) for number, which in
                re.findall(r"conntrack scan: (\d+) (own|of all) entries", self.lab.daemon.output())]

    def browse(self):
        """Flows of a host that is no phone."""
        host = self.lab.udp(self.lab.phone3, PHONE3)
        for port in range(10000, 10000 + FOREIGN):
            host.send(b"no phone", (STRANGER, port))
        wait_for(lambda: len(self.lab.flows(f"src={PHONE3}")) >= FOREIGN, 5, "the flows of another host")

    def after(self, count):
        """The scans after the first `count`, when there is one."""
        wait_for(lambda: len(self.scans()) > count, 5, "a scan")
        return self.scans()[count:]

    def assert_follows(self, phone, peer, media_address, family):
        """A call whose peer sends media from a port that it has not announced; its flows are read, and end with it."""
        other = self.lab.udp(self.lab.provider, media_address, 30999)
        call = self.call_out(phone, peer, media_address=media_address)
        call.exchange(first="right")
        other.send(b"\x80media", (call.peer_told.address, call.peer_told.port))
        call.phone_rtp.rtp.receive()
        unannounced = lambda: self.lab.flows("sport=30999", family=family)
        self.assertEqual(len(unannounced()), 1)
        before = len(self.scans())
        call.hang_up()
        self.assert_closed(call)
        wait_for(lambda: not unannounced(), 1.5, "the flow from another port to end")
        for number, which in self.after(before):
            self.assertEqual(which, "own")
            self.assertLess(number, 50)

    def test_foreign_flows_are_not_read(self):
        """C7, P5: closing a call reads the flows of the phone and its peer, also those that nobody announced."""
        self.browse()
        self.assert_follows(self.phone(), self.peer(), MEDIA_SERVER, "ipv4")

    def test_foreign_flows_are_not_read_ipv6(self):
        """C7, P5, N2: the same without translation."""
        self.browse()
        phone = sip.Agent(self.lab, self.lab.phone1, PHONE1_6, user="phone1", hop=(PROVIDER_6, 5060))
        self.assert_follows(phone, sip.Agent(self.lab, self.lab.provider, PROVIDER_6, user="peer"), MEDIA_SERVER_6, "ipv6")

    def test_media_of_the_phone_alone(self):
        """C6, O5: a flow that the phone has opened counts as media, in both families."""
        phone6 = sip.Agent(self.lab, self.lab.phone1, PHONE1_6, user="phone1", hop=(PROVIDER_6, 5060))
        other_phone, other_peer = self.phone(2), self.peer(port=5070)
        for port, phone, peer in ((30020, self.phone(), self.peer()),
                                  (30040, phone6, sip.Agent(self.lab, self.lab.provider, PROVIDER_6, user="peer"))):
            with self.subTest(phone=phone.address):
                call = self.call_out(phone, peer)
                time.sleep(1)  # the scans that this call has caused
                before = len(self.scans())
                call.phone_rtp.send((call.phone_told.address, call.phone_told.port), count=5)
                other = self.call_out(other_phone, other_peer, port + 10000, port)
                other.hang_up()  # starts a scan
                self.assertEqual({which for _, which in self.after(before)}, {"own"})
                call.hang_up()
                ended = f"call ended: {call.id}: "
                wait_for(lambda: ended in self.lab.daemon.output(), 2, "the end of the call")
                line = self.lab.daemon.output().split(ended)[1].splitlines()[0]
                self.assertIn("audio: 5 packets from the phone", line)


if __name__ == "__main__":
    main()
