#!/usr/bin/python3
"""Firewalls of the owner beside a daemon without options: pinholed media pass, reloads are followed, nothing is left.

The rulesets are those of the generators: plain nftables, OpenWrt's fw4, iptables-nft as docker and as ufw use it. Real
programs are in test_firewall_programs.
"""
import unittest

from firewall import DOCKER, FW4, NAT, PLAIN, RULE, UFW, Firewall
from labtest import MEDIA_SERVER, PHONE2, ROUTER_WAN, STRANGER, LabTest, main
from netns import wait_for


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
    test_twelve_steps_of_ipv6 = None  # docker leaves IPv6 open

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
