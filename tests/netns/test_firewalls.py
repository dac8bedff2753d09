#!/usr/bin/python3
"""Firewalls of the owner beside a daemon without options: pinholed media pass, reloads are followed, nothing is left.

The rulesets are those of the generators, reduced to the forwarding part: plain nftables, OpenWrt's fw4, iptables-nft as
docker and as ufw use it.
"""
import unittest

from lab import ADMIN_RULESET
from labtest import MEDIA_SERVER, PHONE1, PHONE2, ROUTER_WAN, STRANGER, LabTest, main, sip
from netns import wait_for

RULE = 'ct direction original ct mark & 0x10000000 == 0x10000000 accept comment "sipalg:sipalg"'
NAT = '''
table inet nat {
    chain postrouting {
        type nat hook postrouting priority srcnat; policy accept;
        meta nfproto ipv4 oifname "wan" masquerade
    }
}
'''
# nft flushes only this table, as `systemctl reload nftables` does with a file that is written so.
PLAIN = 'table inet admin\nflush table inet admin\n' + ADMIN_RULESET

# docker 24: the chains that it makes at each start, with policy drop; its bridges do not matter here.
DOCKER = '''*filter
:INPUT ACCEPT [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
:DOCKER - [0:0]
:DOCKER-ISOLATION-STAGE-1 - [0:0]
:DOCKER-ISOLATION-STAGE-2 - [0:0]
:DOCKER-USER - [0:0]
-A FORWARD -j DOCKER-USER
-A FORWARD -j DOCKER-ISOLATION-STAGE-1
-A FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A FORWARD -i docker0 ! -o docker0 -j ACCEPT
-A FORWARD -i lan -j ACCEPT
-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A DOCKER-ISOLATION-STAGE-1 -i docker0 ! -o docker0 -j DOCKER-ISOLATION-STAGE-2
-A DOCKER-ISOLATION-STAGE-1 -j RETURN
-A DOCKER-ISOLATION-STAGE-2 -o docker0 -j DROP
-A DOCKER-ISOLATION-STAGE-2 -j RETURN
-A DOCKER-USER -j RETURN
COMMIT
'''

# ufw 0.36 with `ufw route allow in on lan`: the same names for IPv4 and IPv6, with the prefix ufw or ufw6.
UFW = '''*filter
:INPUT ACCEPT [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
:{p}-before-forward - [0:0]
:{p}-user-forward - [0:0]
:{p}-after-forward - [0:0]
:{p}-reject-forward - [0:0]
-A FORWARD -j {p}-before-forward
-A FORWARD -j {p}-after-forward
-A FORWARD -j {p}-reject-forward
-A {p}-before-forward -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A {p}-before-forward -j {p}-user-forward
-A {p}-user-forward -i lan -j ACCEPT
COMMIT
'''


# fw4 of OpenWrt 23.05 with its default zones, without the chains of counters and of the output hook. {dstnat} and {forward}
# are what a port forward of the zone wan adds.
FW4 = '''table inet fw4
flush table inet fw4
table inet fw4 {
    chain input {
        type filter hook input priority filter; policy drop;
        iifname "lo" accept
        ct state vmap { established : accept, related : accept }
        iifname { "lan", "lan2" } accept
        iifname "wan" jump input_wan
        jump handle_reject
    }
    chain input_wan {
        meta nfproto ipv4 udp dport 68 counter accept
        icmp type 8 counter accept
        jump handle_reject
    }
    chain forward {
        type filter hook forward priority filter; policy drop;
        ct state vmap { established : accept, related : accept } comment "!fw4: Handle forwarded flows"
        iifname { "lan", "lan2" } jump forward_lan comment "!fw4: Handle lan IPv4/IPv6 forward traffic"
        iifname "wan" jump forward_wan comment "!fw4: Handle wan IPv4/IPv6 forward traffic"
        jump handle_reject
    }
    chain handle_reject {
        meta l4proto tcp reject with tcp reset comment "!fw4: Reject TCP traffic"
        reject comment "!fw4: Reject any other traffic"
    }
    chain forward_lan {
        jump accept_to_wan comment "!fw4: Accept lan to wan forwarding"
        oifname { "lan", "lan2" } counter accept
    }
    chain forward_wan {
        meta l4proto esp counter jump accept_to_lan comment "!fw4: Allow-IPSec-ESP"
        udp dport 500 counter jump accept_to_lan comment "!fw4: Allow-ISAKMP"
        {forward}
        oifname "wan" counter jump handle_reject
    }
    chain accept_to_lan {
        oifname { "lan", "lan2" } counter accept
    }
    chain accept_to_wan {
        meta nfproto ipv4 oifname "wan" ct state invalid counter drop comment "!fw4: Prevent NAT leakage"
        oifname "wan" counter accept
    }
    chain dstnat {
        type nat hook prerouting priority dstnat; policy accept;
        {dstnat}
    }
    chain srcnat {
        type nat hook postrouting priority srcnat; policy accept;
        oifname "wan" meta nfproto ipv4 masquerade comment "!fw4: Masquerade IPv4 wan traffic"
    }
    chain mangle_forward {
        type filter hook forward priority mangle; policy accept;
        iifname "wan" tcp flags & (syn | rst) == syn tcp option maxseg size set rt mtu comment "!fw4: Zone wan IPv4/IPv6 ingress MTU fixing"
        oifname "wan" tcp flags & (syn | rst) == syn tcp option maxseg size set rt mtu comment "!fw4: Zone wan IPv4/IPv6 egress MTU fixing"
    }
}
'''


class Firewall(LabTest):
    """The cases of one firewall."""
    chains = ()  # in which the rule must be

    @classmethod
    def prepare(cls):
        cls.lab.accept_in = None  # the default
        cls.lab.router.run("nft", "flush", "ruleset")
        cls.lab.router.run("nft", "-f", "-", text_in=NAT)
        cls.load(cls)
        cls.lab.empty_ruleset = cls.lab.ruleset()
        cls.lab.start_daemon()

    def setUp(self):
        super().setUp()
        self.wait_for_consent()

    def run_in_router(self, *command, text=None):
        return self.lab.router.run(*command, **({"text_in": text} if text else {})).stdout

    def consents(self):
        """Chains in which the rule stands, each as often as it does."""
        found = []
        for family, table, chain in self.chains:
            # nft does not show the comments of iptables.
            command = {"ip": ("iptables-nft", "-S", chain), "ip6": ("ip6tables-nft", "-S", chain)}.get(
                family, ("nft", "list", "chain", family, table, chain))
            listing = self.run_in_router(*command)
            rules = [line for line in listing.splitlines() if "sipalg:sipalg" in line]
            found += [f"{family} {table} {chain}"] * len(rules)
        return found

    def wait_for_consent(self):
        wanted = [" ".join(chain) for chain in self.chains]
        wait_for(lambda: self.consents() == wanted, 2, f"one rule in each of {wanted}: {self.consents()}")
        self.assertEqual(sorted(self.lab.ctl("status")["accept_in"]), sorted(wanted))

    def reload(self):
        self.load()
        self.wait_for_consent()

    def assert_media_first_from_outside(self, call):
        call.exchange(first="right")
        call.hang_up()
        self.assert_closed(call)

    def test_media_first_from_outside(self):
        """A4: media that arrive before the phone has sent any, from another host than the signalling, pass the owner's
        drop."""
        self.assert_media_first_from_outside(self.call_out(media_address=MEDIA_SERVER))

    def test_idle_phone_is_called(self):
        """A4 C8: a call to a registered phone whose flows conntrack has forgotten."""
        phone, peer = self.phone(), self.peer()
        registration, _ = self.register(phone, peer)
        self.lab.forget_flows()
        target = sip.uri_of(registration.get("Contact"))
        peer.invite("phone1", sip.sdp(MEDIA_SERVER, 30000), hop=sip.host_port(target), target=target)
        self.assertEqual(phone.hear("INVITE").uri, f"sip:phone1@{PHONE1}:5060")

    def test_reload_in_a_call(self):
        """A4: after a firewall reload during a call there is one rule, and later media pass."""
        call = self.call_out()
        for _ in range(3):
            self.reload()
        self.lab.forget_flows()
        self.assert_media_first_from_outside(call)


class PlainNftables(Firewall):
    chains = (("inet", "admin", "forward"),)

    def load(self):
        self.lab.router.run("nft", "-f", "-", text_in=PLAIN)

    def test_flush_ruleset(self):
        """A4: `flush ruleset` and the owner's file: table and rule come back."""
        self.lab.router.run("nft", "-f", "-", text_in="flush ruleset\n" + self.lab.empty_ruleset)
        self.wait_for_consent()
        self.assert_media_first_from_outside(self.call_out(media_address=MEDIA_SERVER))

    def test_saved_and_restored(self):
        """A4: a ruleset that was saved with the rule in it is adopted, also by the next daemon."""
        saved = self.run_in_router("nft", "list", "table", "inet", "admin")
        self.assertIn(RULE, saved)
        self.lab.router.run("nft", "-f", "-", text_in="delete table inet admin\n" + saved)
        self.wait_for_consent()
        self.lab.stop_daemon()
        self.lab.router.run("nft", "-f", "-", text_in="delete table inet admin\n" + saved)
        self.lab.start_daemon()
        self.wait_for_consent()


class Fw4(Firewall):
    """OpenWrt's default zones: the accept rule is needed, and the mangle chain gets none."""
    chains = (("inet", "fw4", "forward"),)

    def load(self):
        self.lab.router.run("nft", "-f", "-", text_in=FW4.replace("{forward}", "").replace("{dstnat}", ""))

    def test_status_names_the_chain(self):
        """A4: one line for the chain that can drop, and none for the one at priority mangle."""
        self.assertEqual([(each["chain"], each["state"]) for each in self.lab.ctl("status")["accept_chains"]],
                         [("inet fw4 forward", "accepting")])


class Fw4WithPortForward(Firewall):
    """The same with a port forward of WAN:5060 to another phone, and its reflection for the LAN."""
    chains = (("inet", "fw4", "forward"),)

    def load(self):
        dnat = f"dnat ip to {PHONE2}:5060"
        self.lab.router.run("nft", "-f", "-", text_in=FW4.replace(
            "{forward}", 'ct status dnat accept comment "!fw4: Accept port forwards"').replace(
            "{dstnat}", f'iifname "wan" meta nfproto ipv4 udp dport 5060 counter {dnat} comment "!fw4: PBX"\n'
            f'        iifname "lan" ip saddr 192.168.1.0/24 ip daddr {ROUTER_WAN} udp dport 5060 {dnat} comment "!fw4: PBX (reflection)"'))

    def test_the_forward_stays_its_own(self):
        """X12: the phone gets another port (the reflection is not for outside), a stranger still reaches the phone that the owner forwards to."""
        wait_for(lambda: "port ranges that the ruleset forwards: 1;" in self.lab.daemon.output(), 2, "the forward to be read")
        self.register(self.phone(), self.peer())
        self.assertEqual([each["public"] for each in self.lab.ctl("bindings")], [f"{ROUTER_WAN}:16384"])
        pbx = self.lab.udp(self.lab.phone2, PHONE2, 5060)
        self.lab.udp(self.lab.stranger, STRANGER).send(b"hello", (ROUTER_WAN, 5060))
        self.assertEqual(pbx.receive()[0], b"hello")


class Docker(Firewall):
    chains = (("ip", "filter", "FORWARD"),)

    def load(self):
        self.lab.router.run("iptables-nft-restore", text_in=DOCKER)

    def test_docker_restart(self):
        """A4: docker deletes and inserts its rules one by one; the rule stays, once."""
        for _ in range(3):
            self.run_in_router("iptables-nft", "-D", "FORWARD", "-j", "DOCKER-USER")
            self.run_in_router("iptables-nft", "-I", "FORWARD", "-j", "DOCKER-USER")
        saved = self.run_in_router("iptables-nft-save", "-t", "filter")
        self.run_in_router("iptables-nft-restore", text=saved)
        self.wait_for_consent()
        self.load()
        self.wait_for_consent()


class Ufw(Firewall):
    chains = (("ip", "filter", "FORWARD"), ("ip6", "filter", "FORWARD"))

    def load(self):
        for command, prefix in (("iptables-nft-restore", "ufw"), ("ip6tables-nft-restore", "ufw6")):
            self.lab.router.run(command, text_in=UFW.format(p=prefix))


class UfwAndDocker(Firewall):
    """Two independent programs; docker's table appears while the daemon runs."""
    chains = (("inet", "admin", "forward"), ("ip", "filter", "FORWARD"))

    def load(self):
        self.lab.router.run("nft", "-f", "-", text_in=PLAIN)
        self.lab.router.run("iptables-nft-restore", text_in=DOCKER)


class LoadedLater(LabTest):
    """A firewall that is loaded after the daemon, as at boot."""

    @classmethod
    def prepare(cls):
        cls.lab.accept_in = None
        cls.lab.router.run("nft", "flush", "ruleset")
        cls.lab.router.run("nft", "-f", "-", text_in=NAT)
        cls.lab.empty_ruleset = cls.lab.ruleset()
        cls.lab.start_daemon()

    def test_loaded_and_unloaded(self):
        """A4: the rule is added within 0.5 s after the firewall; a ruleset that cannot drop gets none."""
        self.assertEqual(self.lab.ctl("status")["accept_in"], [])
        self.addCleanup(self.lab.router.run, "nft", "-f", "-", text_in="flush ruleset\n" + self.lab.empty_ruleset)
        for _ in range(2):
            self.lab.fresh()
            self.lab.router.run("nft", "-f", "-", text_in=PLAIN)
            wait_for(lambda: self.lab.ctl("status")["accept_in"] == ["inet admin forward"], 0.5, "the rule")
            call = self.call_out(media_address=MEDIA_SERVER)
            call.exchange(first="right")
            call.hang_up()
            self.assert_closed(call)
            self.lab.router.run("nft", "delete", "table", "inet", "admin")
            wait_for(lambda: self.lab.ctl("status")["accept_in"] == [], 0.5, "the chain to be forgotten")

    def test_kernel_helper_assigned_later(self):
        """X10: a rule that assigns the kernel's own SIP helper is reported once, with the command that removes it."""
        add = ("iptables-nft", "-t", "raw", "-A", "PREROUTING", "-p", "udp", "--dport", "5060", "-j", "CT", "--helper", "sip")
        if self.lab.router.run(*add, check=False).returncode != 0:
            self.skipTest("this kernel has no SIP helper")
        said = "assigns the kernel's own SIP helper"
        wait_for(lambda: said in self.lab.daemon.output(), 0.5, "the report")
        self.lab.router.run("nft", "add", "table", "inet", "other")
        wait_for(lambda: self.lab.daemon.output().count(said) == 1, 0.5, "one report")
        line = next(line for line in self.lab.daemon.output().splitlines() if said in line)
        self.lab.router.run(*line.split("`")[1].split())
        self.lab.router.run("nft", "flush", "ruleset")
        self.lab.router.run("nft", "-f", "-", text_in=self.lab.empty_ruleset)


def load_tests(loader, _tests, _pattern):
    """The cases of Firewall itself are for its subclasses."""
    suite = unittest.TestSuite()
    for case in (PlainNftables, Fw4, Fw4WithPortForward, Docker, Ufw, UfwAndDocker, LoadedLater):
        suite.addTests(loader.loadTestsFromTestCase(case))
    return suite


if __name__ == "__main__":
    main()
