#!/usr/bin/python3
"""Sources inside whose messages are read: only hosts that the router would answer by the interface on which the packet
came in (X12)."""

import re

import forge
import sip
from labtest import PHONE1, PROVIDER, ROUTER_WAN, LabTest, main, wait_for
from lab import PHONE1_6, PROVIDER_6


def invite(address, peer, port=40000):
    """An INVITE of a phone at `address` that names nothing but this address."""
    family, host = ("IP6", f"[{address}]") if ":" in address else ("IP4", address)
    target = f"[{peer}]" if ":" in peer else peer
    body = (f"v=0\r\no=- 1 1 IN {family} {address}\r\ns=-\r\nc=IN {family} {address}\r\nt=0 0\r\n"
            f"m=audio {port} RTP/AVP 0\r\n")
    call = sip.token("spoofed-")
    return call, (f"INVITE sip:peer@{target} SIP/2.0\r\nVia: SIP/2.0/UDP {host}:5060;branch={sip.token('z9hG4bK')}\r\n"
                  f"Max-Forwards: 70\r\nFrom: <sip:a@example.test>;tag=a\r\nTo: <sip:peer@example.test>\r\n"
                  f"Call-ID: {call}\r\nCSeq: 1 INVITE\r\nContact: <sip:a@{host}:5060>\r\n"
                  f"Content-Type: application/sdp\r\nContent-Length: {len(body)}\r\n\r\n{body}").encode()


class Sources(LabTest):
    @classmethod
    def prepare(cls):
        lab = cls.lab
        for namespace in (lab.phone1, lab.router, lab.isp, lab.provider):
            namespace.set("net/ipv6/conf/all/disable_ipv6", 0)
        for namespace, device, address in ((lab.phone1, "eth0", PHONE1_6), (lab.router, "lan", "2001:db8:1::1"),
                                           (lab.router, "wan", "2001:db8:2::1"), (lab.provider, "eth0", PROVIDER_6)):
            namespace.run("ip", "address", "add", f"{address}/64", "dev", device, "nodad")
        lab.phone1.run("ip", "-6", "route", "add", "default", "via", "2001:db8:1::1")
        lab.router.run("ip", "-6", "route", "add", "default", "via", PROVIDER_6)
        lab.router.set("net/ipv6/conf/all/forwarding", 1)
        lab.router.run("nft", "insert", "rule", "inet", "admin", "input", "meta", "l4proto", "icmpv6", "accept")
        lab.empty_ruleset = lab.ruleset()
        lab.start_daemon()

    def refused(self):
        """The number of packets in the counters of the table."""
        listed = self.lab.router.run("nft", "list", "chain", "inet", "sipalg", "true_source").stdout
        return sum(int(number) for number in re.findall(r"counter packets (\d+)", listed))

    def spoof(self, namespace, address, peer=PROVIDER):
        call, text = invite(address, peer)
        beside = "lan2" if namespace is self.lab.phone3 else "lan"
        forge.udp(namespace, forge.link_address(self.lab.router, beside), (address, 5060), (peer, 5060), text)
        return call

    def assert_unread(self, namespace, address, peer=PROVIDER):
        """The INVITE makes no call, no mapping and no pinhole, and is counted."""
        before = self.refused()
        self.spoof(namespace, address, peer)
        wait_for(lambda: self.refused() > before, 3, "the packet to be counted")
        # When the later message arrives, the daemon has also handled this one.
        phone, provider = self.phone(), self.peer()
        phone.request("OPTIONS", phone.dialog("peer"))
        provider.hear("OPTIONS")
        phone.close()
        provider.close()
        self.assertEqual((self.lab.ctl("calls"), self.lab.ctl("pinholes")), ([], []), address)
        self.assertNotIn(address, self.lab.table().split("set pinholes ")[1].split("set records")[0], address)

    def test_other_network(self):
        """X12: a host of the guest network opens nothing in the name of a phone of the main one."""
        self.assert_unread(self.lab.phone3, PHONE1)

    def test_addresses_of_no_host(self):
        """X12: loopback, the network's broadcast address, link-local and multicast addresses open nothing."""
        for address in ("127.0.0.1", "192.168.1.255", "255.255.255.255", "169.254.7.7", "224.0.1.75", "0.0.0.0"):
            with self.subTest(address):
                self.assert_unread(self.lab.phone1, address)

    def test_router_itself(self):
        """X12: the router's own addresses, inside and outside, open nothing."""
        for address in ("192.168.1.1", ROUTER_WAN):
            with self.subTest(address):
                self.assert_unread(self.lab.phone1, address)

    def test_ipv6(self):
        """X12: link-local and IPv4-mapped addresses, another network's and the router's own open nothing."""
        for address in ("fe80::11", f"::ffff:{PHONE1}", "2001:db8:9::1", "2001:db8:1::1", "::1", "ff02::1"):
            with self.subTest(address):
                self.assert_unread(self.lab.phone1, address, PROVIDER_6)

    def test_phones_are_read(self):
        """X12: messages of phones of both families, and of one of the guest network under its own address, are read as
        usual."""
        before = self.refused()
        calls = {self.spoof(self.lab.phone1, PHONE1), self.spoof(self.lab.phone3, "192.168.2.13"),
                 self.spoof(self.lab.phone1, PHONE1_6, PROVIDER_6)}
        wait_for(lambda: {c["call_id"] for c in self.lab.ctl("calls")} == calls, 3, "the calls")
        self.assertEqual(self.refused(), before)

    def test_any_interface(self):
        """X12: with asymmetric routes to a phone, `any-interface = yes` makes the daemon read its messages."""
        self.lab.router.run("ip", "route", "add", "192.168.3.0/24", "via", "192.168.1.12")
        try:
            self.assert_unread(self.lab.phone3, "192.168.3.13")
            self.reconfigure("[phone 192.168.3.0/24]\nany-interface = yes\n")
            call = self.spoof(self.lab.phone3, "192.168.3.13")
            wait_for(lambda: [c["call_id"] for c in self.lab.ctl("calls")] == [call], 3, "the call")
            self.spoof(self.lab.phone3, "192.168.2.1")  # still not the router
            self.assertEqual(len(self.lab.ctl("calls")), 1)
        finally:
            self.lab.router.run("ip", "route", "del", "192.168.3.0/24")


if __name__ == "__main__":
    main()
