#!/usr/bin/python3
"""Flow offload beside the daemon (A8): signalling stays out of the owner's flowtable, media go into it.

Needs flowtables and nfnetlink_cthelper, which Debian's kernels have: tests/platform/vm/run runs this module on one.
"""
import unittest

import test_tcp_calls
from lab import MEDIA_SERVER_6, PHONE1_6, PROVIDER_6
from labtest import PHONE1, PROVIDER, LabTest, main, sip
from netns import wait_for

# "lan" is a bridge: some kernels want the bridge in the flowtable, others its ports.
FLOWTABLE = '''
table inet admin {
    flowtable ft { hook ingress priority 0; devices = { "wan", "lan", "lan2", "port1", "port2" }; }
}
'''
FLOW_ADD = 'meta l4proto { tcp, udp } flow add @ft'
ELSEWHERE = 'th dport != { 5060, 5061 } th sport != { 5060, 5061 } ' + FLOW_ADD
HELPER = 'ct helper set "not_offloaded_udp"'


class Offload(LabTest):
    rule = FLOW_ADD

    @classmethod
    def prepare(cls):
        cls.lab.accept_in = None  # the default
        if cls.lab.router.run("nft", "-f", "-", text_in=FLOWTABLE, check=False).returncode != 0:
            cls.lab.close()
            raise unittest.SkipTest("this kernel has no flowtables; tests/platform/vm/run boots one that has")
        cls.add_rule(cls.rule)
        cls.lab.empty_ruleset = cls.lab.ruleset()
        cls.lab.start_daemon()

    @classmethod
    def add_rule(cls, rule):
        """The usual place in guides to nftables: before the rule for established connections."""
        if rule:
            cls.lab.router.run("nft", "insert", "rule", "inet", "admin", "forward", *rule.split())

    def offloaded(self, port, transport="udp", family="ipv4"):
        return [line for line in self.lab.conntrack("-f", family, "-p", transport)
                if "[OFFLOAD]" in line and f"dport={port} " in line]


class SoftwareOffload(Offload):
    def test_calls_both_ways(self):
        """A8: messages are still rewritten after the first reply; media are offloaded and end with the call (C7)."""
        out = self.call_out()
        out.exchange()
        wait_for(lambda: self.offloaded(30000), 5, "the media to be offloaded")
        out.hang_up(by="peer")
        self.assert_closed(out)
        incoming = self.call_in(out.phone, out.peer, phone_port=40010, peer_port=30010)
        incoming.exchange()
        incoming.hang_up()
        self.assertEqual(self.offloaded(5060), [])
        self.assert_no_inside_address_outside()

    def test_it_is_no_warning(self):
        """A8: the status has no warning; the table assigns the helper."""
        self.assertIn(HELPER, self.lab.table())
        self.assertFalse([w for w in self.lab.ctl("status")["warnings"] if "flowtable" in w])

    def test_registered_before_the_start(self):
        """C12, A8: a phone whose flow was offloaded before the start of the daemon is reached at once, and its calls
        are followed."""
        self.lab.stop_daemon()
        phone, peer = self.phone(), self.peer()
        dialog = phone.dialog(phone.user, (PROVIDER, 5060))
        for _ in range(4):  # the flow goes into the flowtable with its first replies
            phone.request("REGISTER", dialog, more=[("Expires", "600")])
            request = peer.hear("REGISTER")
            peer.reply(request, 200, more=[("Contact", f"{request.get('Contact')};expires=600")])
            phone.hear(200)
        wait_for(lambda: self.offloaded(5060), 5, "the flow to be offloaded")
        self.lab.start_daemon()
        wait_for(lambda: not self.offloaded(5060), 5, "the flow to leave the flowtable")
        self.assertIn(PHONE1, " ".join(self.lab.members("listeners")))
        peer.invite(phone.user, sip.sdp(PROVIDER, 30000), contact=f"<sip:{phone.user}@{request.source[0]}:{request.source[1]}>")
        phone.hear("INVITE")
        self.assertEqual(self.offloaded(5060), [])


class TcpOffload(test_tcp_calls.TcpElements, Offload):
    def test_call(self):
        """A8, T4: a TCP connection with SIP stays out of the flowtable, so later messages are rewritten too."""
        call = self.call_out()
        call.exchange()
        wait_for(lambda: self.offloaded(30000), 5, "the media to be offloaded")
        for direction in ("sendonly", "sendrecv"):
            call.negotiate("phone", sip.sdp(PHONE1, ("audio", 40000, f"a={direction}")), sip.sdp(PROVIDER, 30000))
        self.assertEqual(self.offloaded(5060, "tcp"), [])
        call.hang_up()
        self.assert_closed(call)
        self.assert_no_inside_address_outside()


class IPv6Offload(Offload):
    @classmethod
    def prepare(cls):
        cls.lab.enable_ipv6()
        super().prepare()

    def test_calls_both_ways(self):
        """A8, N2: nothing is translated, and pinholes still follow every message."""
        phone = sip.Agent(self.lab, self.lab.phone1, PHONE1_6, user="phone1", hop=(PROVIDER_6, 5060))
        peer = sip.Agent(self.lab, self.lab.provider, PROVIDER_6, user="peer")
        out = self.call_out(phone, peer, media_address=MEDIA_SERVER_6)
        out.exchange(first="right")
        wait_for(lambda: self.offloaded(30000, family="ipv6"), 5, "the media to be offloaded")
        out.hang_up(by="peer")
        self.assert_closed(out)
        incoming = self.call_in(phone, peer, 40010, 30010, MEDIA_SERVER_6)
        incoming.exchange(first="right")
        incoming.hang_up()
        self.assert_closed(incoming)
        self.assertEqual(self.offloaded(5060, family="ipv6"), [])


class AtRunTime(Offload):
    rule = None

    def test_the_rule_comes_and_goes(self):
        """A8: the helper exists only while some rule says flow add; older flows are renewed."""
        self.assertNotIn(HELPER, self.lab.table())
        phone, peer = self.phone(), self.peer()
        self.register(phone, peer)
        self.add_rule(FLOW_ADD)
        try:
            wait_for(lambda: HELPER in self.lab.table(), 5, "the helper to be given")
            for _ in range(3):
                self.register(phone, peer)
            self.assertEqual(self.offloaded(5060), [])
            self.assert_no_inside_address_outside()
        finally:
            self.lab.router.run("nft", "flush", "chain", "inet", "admin", "forward")
            self.restore_forward()
        wait_for(lambda: HELPER not in self.lab.table(), 5, "the helper to go")

    def restore_forward(self):
        for rule in ("ct state established,related accept", 'iifname { "lan", "lan2" } accept', "meta l4proto icmp accept"):
            self.lab.router.run("nft", "add", "rule", "inet", "admin", "forward", *rule.split())


class OtherPorts(Offload):
    rule = ELSEWHERE

    def test_no_false_alarm(self):
        """A8: a rule that exempts signalling is no warning."""
        self.assertFalse([w for w in self.lab.ctl("status")["warnings"] if "flowtable" in w])
        out = self.call_out()
        out.exchange()
        out.hang_up()


if __name__ == "__main__":
    main()
