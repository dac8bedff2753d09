#!/usr/bin/python3
"""A provider that gives the router a part of an address's ports (MAP-E, lw4o6): the other ports reach other customers."""

from labtest import PHONE1, PHONE2, ROUTER_WAN, LabTest, main, sip
from netns import wait_for

RANGES = ((41040, 41055), (42064, 42079))

# The provider's relay: what comes to another port goes elsewhere.
RELAY = f"""
table ip relay {{
    chain input {{
        type filter hook prerouting priority -310;
        iifname "wan" ip daddr {ROUTER_WAN} meta l4proto {{ tcp, udp }} th dport != {{ 41040-41055, 42064-42079 }} drop
    }}
    chain output {{
        type filter hook postrouting priority 300;
        oifname "wan" ip saddr {ROUTER_WAN} meta l4proto {{ tcp, udp }} th sport != {{ 41040-41055, 42064-42079 }} drop
    }}
}}"""
# The rules of MAP-E on the router, as OpenWrt writes them: a rule for each range.
MAP_E = f"""
table ip mape {{
    chain postrouting {{
        type nat hook postrouting priority srcnat - 1;
        oifname "wan" meta l4proto {{ tcp, udp }} ct mark 0 snat ip to {ROUTER_WAN}:41040-41055
        oifname "wan" meta l4proto {{ tcp, udp }} ct mark 1 snat ip to {ROUTER_WAN}:42064-42079
    }}
}}
"""
OPTIONS = [word for low, high in RANGES for word in ("--public-ports", f"{low}-{high}")]


def load(router, ruleset):
    router.run("nft", "-f", "-", text_in=ruleset)


class SharedAddress(LabTest):
    @classmethod
    def prepare(cls):
        load(cls.lab.router, RELAY + MAP_E)
        cls.lab.empty_ruleset = cls.lab.ruleset()
        cls.lab.start_daemon("--outside", "wan", *OPTIONS)

    def assert_ours(self, port):
        self.assertTrue(any(low <= port <= high for low, high in RANGES), port)

    def assert_call(self, call, first):
        """Every port that the outside is told is one of ours, and media pass both ways."""
        self.assert_ours(call.peer_told.port)
        call.exchange(first=first)
        for pinhole in self.pinholes(call.id):
            self.assert_ours(int(pinhole["public"].rsplit(":", 1)[1]))
        call.hang_up()
        self.assert_closed(call)

    def test_calls(self):
        """A3: two phones on the same ports register, call and are called, at the ports that reach this router."""
        peer = self.peer()
        for number, address in ((1, PHONE1), (2, PHONE2)):
            phone = self.phone(number=number)
            request, answer = self.register(phone, peer)
            self.assert_ours(sip.host_port(sip.uri_of(request.get("Contact")))[1])
            self.assert_ours(request.source[1])
            self.assertEqual(sip.host_port(sip.uri_of(answer.get("Contact"))), (address, 5060))
            self.assert_call(self.call_in(phone, peer, 40000, 30000 + 10 * number, registration=request), "right")
            self.assert_call(self.call_out(phone, peer, 40010, 30100 + 10 * number), "left")

    def test_nothing_to_warn_of(self):
        """A3: with the provider's ranges, neither the translation nor their size is a warning."""
        status = self.lab.ctl("status")
        self.assertEqual(status["public_ports"], [f"{low}-{high}" for low, high in RANGES])
        self.assertEqual([w for w in status["warnings"] if "ports" in w], [])


class Unnoticed(LabTest):
    """The same router without the option."""

    @classmethod
    def prepare(cls):
        load(cls.lab.router, RELAY + MAP_E)
        cls.lab.empty_ruleset = cls.lab.ruleset()
        cls.lab.start_daemon("--outside", "wan")

    def test_warning(self):
        """A3: the owner is told which lines the configuration needs, also by the log and doctor."""
        lines = "'public-ports = 41040-41055' 'public-ports = 42064-42079'"
        [warning] = [w for w in self.lab.ctl("status")["warnings"] if "MAP-E" in w]
        self.assertIn("41040-41055, 42064-42079 only", warning)
        self.assertIn(lines, warning)
        wait_for(lambda: lines in self.lab.daemon.output(), 3, "the warning in the log")
        self.assertIn(lines, self.lab.ctl_run("doctor").stdout)

    def test_rule_that_comes_later(self):
        """A3: rules are followed; a range that leaves most ports, such as masquerade to :1024-65535, is no sign."""
        router = self.lab.router
        self.addCleanup(load, router, MAP_E)
        router.run("nft", "delete", "table", "ip", "mape")
        warned = lambda: any("MAP-E" in w for w in self.lab.ctl("status")["warnings"])  # noqa: E731
        wait_for(lambda: not warned(), 3, "the warning to go")
        load(router, """
table ip wide {
    chain p {
        type nat hook postrouting priority srcnat + 1;
        oifname "wan" meta l4proto udp masquerade to :1024-65535
    }
}""")
        self.addCleanup(router.run, "nft", "delete", "table", "ip", "wide")
        wait_for(lambda: self.lab.ctl("status")["serving"], 1, "an answer")
        self.assertFalse(warned())
        router.run("nft", "delete", "chain", "ip", "wide", "p")
        router.run("iptables-nft", "-t", "nat", "-A", "POSTROUTING", "-o", "wan", "-p", "udp", "-j", "MASQUERADE",
                   "--to-ports", "43000-43015")
        self.addCleanup(router.run, "nft", "delete", "table", "ip", "nat")
        wait_for(warned, 3, "the warning to come back")
        self.assertIn("43000-43015", str(self.lab.ctl("status")["warnings"]))


if __name__ == "__main__":
    main()
