"""The cases that every firewall of an owner must pass beside a daemon without options, and rulesets as their generators
write them, reduced to the forwarding part."""
import json

from lab import ADMIN_RULESET, MEDIA_SERVER_6, PHONE1_6, PROVIDER_6, program
from labtest import MEDIA_SERVER, LabTest, sip
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
        icmpv6 type { echo-request, nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert } counter accept
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
    translates = False  # whether the firewall masquerades; otherwise a table of the lab does

    @classmethod
    def prepare(cls):
        cls.lab.accept_in = None  # the default
        cls.lab.enable_ipv6()
        cls.lab.router.run("nft", "flush", "ruleset")
        if not cls.translates:
            cls.lab.router.run("nft", "-f", "-", text_in=NAT)
        cls.begin()
        cls.load(cls)
        cls.lab.empty_ruleset = cls.lab.ruleset()
        cls.lab.start_daemon()

    @classmethod
    def begin(cls):
        """Starts a firewall that is a program."""

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

    def call_an_idle_phone(self, phone, peer, media_address):
        """A call to a registered phone whose flows conntrack has forgotten; registers it."""
        registration, _ = self.register(phone, peer)
        self.lab.forget_flows()
        return self.call_in(phone, peer, 40020, 30020, media_address, registration)

    def assert_serves(self, phone, peer, media_address):
        """The steps that an owner would try: register, call out and in, media first from outside and from another host
        than the signalling, RTCP, hold, reload of the firewall in the call, BYE, idle phone called."""
        call = self.call_out(phone, peer, media_address=media_address)
        call.exchange(first="right")
        call.negotiate("phone", sip.sdp(phone.address, ("audio", 40000, "a=sendonly")),
                       sip.sdp(media_address, ("audio", 30000, "a=recvonly")))
        call.negotiate("phone", sip.sdp(phone.address, 40000), sip.sdp(media_address, 30000))
        self.reload()
        self.lab.forget_flows()
        self.assert_media_first_from_outside(call)
        call = self.call_in(phone, peer, 40010, 30010, media_address)
        call.exchange(first="right")
        call.hang_up(by="peer")
        self.assert_closed(call)
        self.assert_media_first_from_outside(self.call_an_idle_phone(phone, peer, media_address))

    def test_fifteen_steps(self):
        """A4, C2, C7, C8 with IPv4 and NAT."""
        self.assert_serves(self.phone(), self.peer(), MEDIA_SERVER)
        self.assert_no_inside_address_outside()

    def test_twelve_steps_of_ipv6(self):
        """A4, C2, C7, C8, N2 with IPv6."""
        phone = sip.Agent(self.lab, self.lab.phone1, PHONE1_6, user="phone1", hop=(PROVIDER_6, 5060))
        self.assert_serves(phone, sip.Agent(self.lab, self.lab.provider, PROVIDER_6, user="peer"), MEDIA_SERVER_6)

    def test_doctor_finds_no_fault_in_it(self):
        """O3: no false alarm about the chains."""
        doctor = self.lab.router.run(program("sipalgctl"), "--control", self.lab.control, "--json", "doctor", check=False)
        found = json.loads(doctor.stdout)["findings"]
        chains = ("forward-chain", "other-chain", "early-nat", "mark", "untracked")
        self.assertEqual([each for each in found if each["id"] in chains and each["level"] != "note"], [])

    def test_reload_in_a_call(self):
        """A4: after three reloads during a call there is one rule, and later media pass."""
        call = self.call_out()
        for _ in range(3):
            self.reload()
        self.lab.forget_flows()
        self.assert_media_first_from_outside(call)
