#!/usr/bin/python3
"""The owner's port forwards as real nft and iptables write them (X12): read from the kernel, followed, left alone."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "platform"))
import namespaces  # noqa: E402
from lab import PHONE1, PHONE2  # noqa: E402
from labtest import LabTest, main  # noqa: E402
from namespaces import DriverTest  # noqa: E402
from netns import wait_for  # noqa: E402

PRE = "type nat hook prerouting priority dstnat; policy accept;"

# A rule in an `ip` table, and the driver's report about it.
RULES = (
    ("udp dport 5060 dnat to 192.168.1.10", ["udp 5060-5060 > 192.168.1.10"]),
    ('iifname "wan" udp dport 10000-20000 dnat to 192.168.1.10', ["udp 10000-20000 > 192.168.1.10"]),
    ("udp dport >= 60000 dnat to 192.168.1.10", ["udp 60000-65535 > 192.168.1.10"]),
    ("tcp dport 6060 dnat to 192.168.1.10:5060", ["tcp 6060-6060 > 192.168.1.10:5060-5060"]),
    ("udp dport { 5070, 5080-5090 } dnat to 192.168.1.10:5060-5070",
     ["udp 5070-5070 > 192.168.1.10:5060-5070", "udp 5080-5090 > 192.168.1.10:5060-5070"]),
    ("meta l4proto { tcp, udp } th dport 5061 dnat to 192.168.1.10", ["tcp 5061-5061 > 192.168.1.10",
                                                                       "udp 5061-5061 > 192.168.1.10"]),
    ("dnat to udp dport map { 8000 : 192.168.1.10, 8001 : 192.168.1.11 }",
     ["udp 8000-8000 > 192.168.1.10", "udp 8001-8001 > 192.168.1.11"]),
    ("dnat ip to tcp dport map @ways", ["tcp 7000-7000 > 192.168.1.10:80-80", "tcp 7100-7200 > 192.168.1.11:90-90"]),
    ("udp dport vmap { 9000 : jump pbx, 9001-9003 : goto pbx, 9005 : drop }",
     ["udp 9000-9000 > 192.168.1.10:5070-5070", "udp 9001-9003 > 192.168.1.10:5070-5070"]),
    ("udp dport 9100 jump deep", ["udp 9100-9100 > 192.168.1.10:5070-5070"]),
    ("ip daddr 203.0.113.1 tcp dport 9100 redirect to :22", ["tcp 203.0.113.1:9100-9100 > ?"]),
    ("ip daddr . udp dport { 203.0.113.1 . 9200, 203.0.113.2 . 9201-9202 } dnat to 192.168.1.10",
     ["udp 203.0.113.1:9200-9200 > 192.168.1.10", "udp 203.0.113.2:9201-9202 > 192.168.1.10"]),
    ("ip daddr { 203.0.113.1, 203.0.113.2 } udp dport 9300 dnat to 192.168.1.10",
     ["udp 203.0.113.1:9300-9300 > 192.168.1.10", "udp 203.0.113.2:9300-9300 > 192.168.1.10"]),
    ("ip protocol udp @th,16,16 5555 dnat to 192.168.1.10", ["udp 5555-5555 > 192.168.1.10"]),
    ("udp dport 6000 dnat to jhash ip saddr mod 2 map { 0 : 192.168.1.10, 1 : 192.168.1.11 }",
     ["udp 6000-6000 > 192.168.1.10", "udp 6000-6000 > 192.168.1.11"]),
    ("udp dport 6000 dnat to 192.168.1.10-192.168.1.20", ["udp 6000-6000 > ?"]),
    ("ip saddr 198.51.100.0/24 udp dport 6000 dnat to 192.168.1.10", ["udp 6000-6000 > 192.168.1.10"]),
    # Rules without a port, rules that match no packet from outside, and other hooks have no effect.
    ("dnat to 192.168.1.10", []),
    ("udp dport != 53 dnat to 192.168.1.10", []),
    ("ip daddr 203.0.113.2 dnat to 192.168.1.10", []),
    ('iifname "lan" udp dport 5060 redirect to :5060', []),
    ('iifname != "wan" udp dport 5060 redirect to :5060', []),
    ('iifname { "lan", "lan2" } udp dport 5060 redirect to :5060', []),
    ('iifname "la*" udp dport 5060 redirect to :5060', []),
    ('iifname "wa*" udp dport 5060 dnat to 192.168.1.10', ["udp 5060-5060 > 192.168.1.10"]),
    ("udp dport 5060 accept", []),
)
IPTABLES = (
    ("-i wan -p udp --dport 5060 -j DNAT --to-destination 192.168.1.10:5061", ["udp 5060-5060 > 192.168.1.10:5061-5061"]),
    ("-p udp -m multiport --dports 5060,5070:5080 -j DNAT --to-destination 192.168.1.10",
     ["udp 5060-5060 > 192.168.1.10", "udp 5070-5080 > 192.168.1.10"]),
    ("-p udp --dport 10000:20000 -j DNAT --to-destination 192.168.1.10:10000-20000",
     ["udp 10000-20000 > 192.168.1.10:10000-20000"]),
    ("-p tcp --dport 8080 -j REDIRECT --to-ports 3128", ["tcp 8080-8080 > ?"]),
    ("-d 203.0.113.1 -p tcp -m tcp --dport 6060 -j DNAT --to-destination 192.168.1.10",
     ["tcp 203.0.113.1:6060-6060 > 192.168.1.10"]),
    ("-p udp --dport 6000 -j DNAT --to-destination 192.168.1.10-192.168.1.20", ["udp 6000-6000 > ?"]),
    ("-p udp -m multiport --sports 5060 -j DNAT --to-destination 192.168.1.10", []),
    ("-i lan -p udp --dport 5060 -j REDIRECT", []),
    ("-j DNAT --to-destination 192.168.1.10", []),
)


class Reading(DriverTest):
    """The daemon's interpretation of the owner's ruleset."""

    def setUp(self):
        namespaces.require()
        self.space = self.namespace("a")
        self.driver = self.driver_in(self.space, "--outside", "wan")

    def test_nft(self):
        """X12: compares, ranges, sets, maps, verdict maps, jumps."""
        for rule, forwards in RULES:
            with self.subTest(rule=rule):
                self.space.nft("flush ruleset\ntable ip n {\n map ways { type inet_service : ipv4_addr . inet_service;"
                               " flags interval; elements = { 7000 : 192.168.1.10 . 80, 7100-7200 : 192.168.1.11 . 90 } }\n"
                               " chain pbx { meta l4proto udp dnat to 192.168.1.10:5070; }\n chain deep { jump pbx; }\n"
                               f" chain pre {{ {PRE}\n{rule}\n }}\n}}")
                self.assertEqual(self.driver("forwards"), forwards)

    def test_families_and_hooks(self):
        """X12: inet tables count, IPv6 destinations and other hooks do not."""
        self.space.nft(f'table inet i {{ chain pre {{ {PRE}\n udp dport 5060 dnat ip to 192.168.1.10\n'
                       'udp dport 5062 dnat ip6 to 2001:db8::1\n }\n }\n'
                       f'table ip6 s {{ chain pre {{ {PRE}\n udp dport 5064 dnat to 2001:db8::1\n }}\n }}\n'
                       'table ip o { chain out { type nat hook output priority -100; udp dport 5066 dnat to 192.168.1.10; }\n }\n'
                       'table ip u { chain unused { udp dport 5068 dnat to 192.168.1.10; }\n }')
        self.assertEqual(self.driver("forwards"), ["udp 5060-5060 > 192.168.1.10"])

    def test_iptables(self):
        """X12: DNAT and REDIRECT of x_tables, with the ports of tcp, udp and multiport."""
        for rule, forwards in IPTABLES:
            with self.subTest(rule=rule):
                self.space.nft("flush ruleset")
                self.space.run("iptables-nft", "-t", "nat", "-A", "PREROUTING", *rule.split())
                self.assertEqual(self.driver("forwards"), forwards)

    def test_many_rules(self):
        """X12: ten thousand rules and chains that jump to each other are read in bounded time."""
        rules = "\n".join(f"udp dport {port} dnat to 192.168.1.10" for port in range(10000, 20000))
        self.space.nft(f"table ip n {{\n chain pre {{ {PRE}\n{rules}\n }}\n }}")
        self.assertEqual(len(self.driver("forwards")), 4096)
        jumps = "\n".join(f" chain c{i} {{ {'jump c%d; ' % (i + 1) * 8} }}" for i in reversed(range(8)))
        self.space.nft(f"flush ruleset\ntable ip n {{\n chain c8 {{ udp dport 5060 dnat to 192.168.1.10; }}\n{jumps}\n"
                       f" chain pre {{ {PRE} jump c0; }}\n }}")
        self.assertEqual(self.driver("forwards"), ["udp 5060-5060 > 192.168.1.10"])


class Following(LabTest):
    """The daemon while forwards are added and removed."""

    def forward(self, *rule):
        self.lab.router.run("nft", "-f", "-", text_in=f"table ip forwards {{\n chain pre {{ {PRE} }}\n}}\nflush table ip forwards\n"
                            + "".join(f"add rule ip forwards pre {each}\n" for each in rule))
        self.addCleanup(self.lab.router.run, "nft", "delete", "table", "ip", "forwards", check=False)

    def mapped(self, inside):
        """The public port of an inside endpoint."""
        return next((row["public"].split(":")[1] for row in self.lab.ctl("bindings") if row["inside"] == inside), None)

    def test_forward_to_another_host(self):
        """X12: a port that is forwarded to a PBX is not given to a phone, and is its own for the PBX."""
        self.forward(f'iifname "wan" udp dport 5060 dnat to {PHONE2}')
        wait_for(lambda: "port ranges that the ruleset forwards: 1;" in self.lab.daemon.output(), 2, "the forward to be read")
        peer = self.peer()
        self.register(self.phone(), peer)
        self.assertEqual(self.mapped(f"{PHONE1}:5060"), "16384")
        self.register(self.phone(number=2), peer)
        self.assertEqual(self.mapped(f"{PHONE2}:5060"), "5060")

    def test_forward_that_comes_later(self):
        """X12: the mapping of a registered phone leaves the port as soon as the ruleset forwards it to another host."""
        self.register(self.phone(), self.peer())
        self.assertEqual(self.mapped(f"{PHONE1}:5060"), "5060")
        self.forward(f'iifname "wan" udp dport 5060 dnat to {PHONE2}')
        wait_for(lambda: self.mapped(f"{PHONE1}:5060") == "16384", 2, "the mapping to move")
        self.assertIn("the ruleset forwards ports of mappings", self.lab.daemon.output())

    def test_few_media_ports(self):
        """X12: forwards that leave fewer than 256 media ports are a warning."""
        self.forward(f"udp dport 16384-32600 dnat to {PHONE2}")
        wait_for(lambda: any("leave 167 ports for media" in each for each in self.lab.ctl("status")["warnings"]), 2, "the warning")


if __name__ == "__main__":
    main()
