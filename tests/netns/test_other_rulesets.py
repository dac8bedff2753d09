#!/usr/bin/python3
"""Rulesets that are written in other ways than those of the firewalls: calls work with a daemon without options (A4)."""
from firewall import NAT
from labtest import MEDIA_SERVER, LabTest, main
from netns import wait_for

# A verdict map decides by both interfaces; a chain for each pair.
DISPATCH = '''
table inet owner {
    chain out { accept; }
    chain back { ct state established,related accept; counter drop; }
    chain forward {
        type filter hook forward priority filter; policy drop;
        ct state invalid counter drop
        iifname . oifname vmap { "lan" . "wan" : goto out, "lan2" . "wan" : goto out, "wan" . "lan" : goto back, "wan" . "lan2" : goto back }
    }
}
'''
# The policy accepts, and the last rule rejects.
LAST_RULE = '''
table inet owner {
    chain forward {
        type filter hook forward priority filter; policy accept;
        ct state established,related accept
        iifname { "lan", "lan2" } accept
        reject with icmpx admin-prohibited
    }
}
'''
# Two tables with chains of one hook and one priority, each of which drops.
TWO_TABLES = LAST_RULE + LAST_RULE.replace("owner", "other").replace("reject with icmpx admin-prohibited", "drop")
# Sets with intervals and a limit for new connections, before anything is accepted.
LIMITED = '''
table inet owner {
    set banned { type ipv4_addr; flags interval; elements = { 198.51.100.0/24 } }
    chain forward {
        type filter hook forward priority filter - 10; policy drop;
        ct state vmap { invalid : drop, established : accept, related : accept }
        iifname "wan" ip saddr @banned drop
        iifname "wan" limit rate over 1/hour burst 1 packets drop
        iifname != "wan" accept
    }
}
'''
# An owner who marks connections for traffic control, and keeps the other bits.
MARKS = LAST_RULE + '''
table inet shaping {
    chain forward {
        type filter hook forward priority mangle; policy accept;
        ct mark set ct mark & 0x10000000 | 0x2a
        meta mark set ct mark
    }
}
'''
# Another filter of the same hook in the family of the packet.
FAMILY = LAST_RULE + '''
table ip owner4 {
    chain forward {
        type filter hook forward priority security; policy drop;
        ct state established accept
        iifname "lan" counter accept
    }
}
'''
# Every port is forwarded to one host.
EXPOSED_HOST = LAST_RULE + '''
table ip dmz {
    chain prerouting {
        type nat hook prerouting priority dstnat; policy accept;
        iifname "wan" meta l4proto { tcp, udp } dnat to 192.168.1.12
    }
}
'''


class OtherRulesets(LabTest):
    @classmethod
    def prepare(cls):
        cls.lab.accept_in = None  # the default
        cls.lab.router.run("nft", "flush", "ruleset")
        cls.lab.empty_ruleset = cls.lab.ruleset()
        cls.lab.start_daemon()

    def load(self, text, *accepting):
        self.lab.router.run("nft", "-f", "-", text_in="flush ruleset\n" + NAT + text)
        wait_for(lambda: sorted(self.lab.ctl("status")["accept_in"]) == sorted(accepting), 2,
                 f"the rule in {accepting}: {self.lab.ctl('status')['accept_chains']}")
        self.addCleanup(self.lab.router.run, "nft", "flush", "ruleset")

    def assert_serves(self):
        phone, peer = self.phone(), self.peer()
        registration, _ = self.register(phone, peer)
        out = self.call_out(phone, peer, media_address=MEDIA_SERVER)
        out.exchange(first="right")
        out.hang_up()
        self.assert_closed(out)
        incoming = self.call_in(phone, peer, 40010, 30010, MEDIA_SERVER, registration)
        incoming.exchange(first="right")
        incoming.hang_up(by="peer")
        self.assert_closed(incoming)

    def test_verdict_map_by_interfaces(self):
        """A4: the rule comes before the map."""
        self.load(DISPATCH, "inet owner forward")
        self.assert_serves()

    def test_policy_accept_and_a_last_rule(self):
        """A4: a reject at the end is a drop."""
        self.load(LAST_RULE, "inet owner forward")
        self.assert_serves()

    def test_two_tables_of_one_priority(self):
        """A4: both get the rule."""
        self.load(TWO_TABLES, "inet owner forward", "inet other forward")
        self.assert_serves()

    def test_limits_and_sets(self):
        """A4: a limit for new connections does not count those of pinholes."""
        self.load(LIMITED, "inet owner forward")
        self.assert_serves()

    def test_marks_that_keep_the_bit(self):
        """A4: the documented form of a rule that sets the whole mark."""
        self.load(MARKS, "inet owner forward")
        self.assert_serves()

    def test_two_families(self):
        """A4: a chain of the family ip after that of the family inet."""
        self.load(FAMILY, "inet owner forward", "ip owner4 forward")
        self.assert_serves()

    def test_exposed_host(self):
        """A3, X12: a forward of every port to one host leaves pinholes to the phones."""
        self.load(EXPOSED_HOST, "inet owner forward")
        self.assert_serves()


if __name__ == "__main__":
    main()
