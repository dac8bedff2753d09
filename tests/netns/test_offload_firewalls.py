#!/usr/bin/python3
"""Flow offload with every firewall (A8): the owner's rule says `flow add` for TCP and UDP, signalling stays out of the
flowtable, media may go into it and end with the call.

Needs a kernel with flowtables: tests/platform/vm/run runs this module on one. The rulesets of firewalld, ufw and shorewall are
those of the real programs, saved by save_firewalls.py before the machine boots.
"""
import os
import unittest

from firewall import DOCKER, FW4, NAT, PLAIN
from lab import build_directory
from labtest import PHONE2, LabTest, main
from netns import wait_for

DEVICES = 'flowtable ft { hook ingress priority 0; devices = { "wan", "lan", "lan2", "port1", "port2" }; }'
# The owners of firewalls without a setting for it add a table of their own.
EXTRA = f'''
table inet fast {{
    {DEVICES}
    chain forward {{
        type filter hook forward priority filter - 1; policy accept;
        meta l4proto {{ tcp, udp }} flow add @ft
    }}
}}
'''
# fw4 with `flow_offloading`: the flowtable and the rule are in its own table, and the rule is the first of its chain.
FW4_OFFLOAD = FW4.replace("table inet fw4 {", "table inet fw4 {\n    " + DEVICES, 1).replace(
    "type filter hook forward priority filter; policy drop;",
    "type filter hook forward priority filter; policy drop;\n        meta l4proto { tcp, udp } flow add @ft", 1)
HELPER = 'ct helper set "not_offloaded_udp"'


def fw4(forward, dstnat):
    return FW4_OFFLOAD.replace("{forward}", forward).replace("{dstnat}", dstnat)


class OffloadFirewalls(LabTest):
    @classmethod
    def prepare(cls):
        cls.lab.accept_in = None  # the default
        cls.lab.router.run("nft", "flush", "ruleset")
        if cls.lab.router.run("nft", "-f", "-", text_in=EXTRA, check=False).returncode != 0:
            cls.lab.close()
            raise unittest.SkipTest("this kernel has no flowtables; tests/platform/vm/run boots one that has")

    @classmethod
    def tearDownClass(cls):
        cls.lab.close()

    def setUp(self):
        """Each test starts a daemon after its firewall."""

    def nft(self, text):
        self.lab.router.run("nft", "-f", "-", text_in=text)

    def saved(self, name):
        path = os.path.join(build_directory(), "unpacked", "rulesets", name)
        if not os.path.exists(path):
            self.skipTest(f"{path} was not saved (save_firewalls.py)")
        with open(path, encoding="utf-8") as file:
            return file.read()

    def offloaded(self, port):
        return [line for line in self.lab.conntrack("-p", "udp") if "[OFFLOAD]" in line and f"dport={port} " in line]

    def play(self):
        """What an owner would try."""
        self.lab.empty_ruleset = self.lab.ruleset()
        self.lab.start_daemon()
        status = self.lab.ctl("status")
        self.assertTrue(status["accept_in"])
        self.assertEqual([each for each in status["accept_chains"] if each["state"] not in ("accepting", "needless")], [])
        self.assertFalse([warning for warning in status["warnings"] if "flowtable" in warning])
        self.assertIn(HELPER, self.lab.table())
        phone, peer = self.phone(), self.peer()
        registration, _ = self.register(phone, peer)
        out = self.call_out(phone, peer)
        out.exchange()
        wait_for(lambda: self.offloaded(30000), 5, "the media to be offloaded")
        out.hang_up(by="peer")
        self.assert_closed(out)  # within a second, and with it the offloaded flow
        wait_for(lambda: not self.offloaded(30000), 1, "the offloaded media to end")
        incoming = self.call_in(phone, peer, phone_port=40010, peer_port=30010, registration=registration)
        incoming.exchange(first="right")
        incoming.hang_up()
        self.assert_closed(incoming)
        self.assertEqual(self.offloaded(5060), [])
        self.assert_no_inside_address_outside()
        self.lab.stop_daemon()  # the owner's ruleset is as it was

    def load(self, *, nft="", rules="", rules6=""):
        if self.lab.daemon:  # of a test that has failed
            self.lab.kill_daemon()
        self.lab.close_sockets()
        self.lab.forget_flows()
        self.nft("flush ruleset\n" + nft)
        for command, text in (("iptables-nft-restore", rules), ("ip6tables-nft-restore", rules6)):
            if text:
                self.lab.router.run(command, text_in=text)

    def test_plain_nftables(self):
        """A4, A8: policy drop in a table of the owner."""
        self.load(nft=NAT + PLAIN + EXTRA)
        self.play()

    def test_fw4(self):
        """A4, A8: OpenWrt with `flow_offloading`."""
        self.load(nft=fw4("", ""))
        self.play()

    def test_fw4_with_a_port_forward(self):
        """A4, A8: the other form of fw4's rules."""
        dnat = f'iifname "wan" meta nfproto ipv4 tcp dport 8080 counter dnat ip to {PHONE2}:80'
        self.load(nft=fw4('ct status dnat accept comment "!fw4: Accept port forwards"', dnat))
        self.play()

    def test_docker_and_ufw(self):
        """A4, A8: two programs, the second with the rules of the first in its chain."""
        self.load(nft=NAT + EXTRA, rules=DOCKER)
        self.lab.router.run("iptables-nft-restore", "--noflush", text_in=self.saved("ufw.rules"))
        self.lab.router.run("ip6tables-nft-restore", text_in=self.saved("ufw.rules6"))
        self.play()

    def test_firewalld(self):
        """A4, A8."""
        self.load(nft=self.saved("firewalld.nft") + EXTRA)
        self.play()

    def test_ufw(self):
        """A4, A8."""
        self.load(nft=NAT + EXTRA, rules=self.saved("ufw.rules"), rules6=self.saved("ufw.rules6"))
        self.play()

    def test_shorewall(self):
        """A4, A8."""
        self.load(nft=EXTRA, rules=self.saved("shorewall.rules"))
        self.play()


if __name__ == "__main__":
    main()
