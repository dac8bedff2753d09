#!/usr/bin/python3
"""`sipalgctl doctor`: each finding, made by its condition in a namespace, and gone after the command that it names (O3)."""
import json
import subprocess

from lab import ADMIN_RULESET, PHONE1, PHONE1_6, PROVIDER, PROVIDER_6, ROUTER_WAN, ROUTER_WAN_6, program
from labtest import LabTest, main
from netns import wait_for

FORWARD = "type filter hook forward priority filter"


class Doctor(LabTest):
    def doctor(self):
        """(exit status, findings by id)."""
        done = self.lab.router.run(program("sipalgctl"), "--control", self.lab.control, "--json", "doctor", check=False)
        self.assertIn(done.returncode, (0, 1), done.stderr)
        document = json.loads(done.stdout)
        worst = {each["level"] for each in document["findings"]}
        self.assertEqual(done.returncode, 1 if worst & {"error", "warning"} else 0, document)
        return {each["id"]: each for each in document["findings"]}

    def assert_found(self, name, *words, level=None):
        finding = self.doctor().get(name)
        self.assertIsNotNone(finding, f"no finding {name}")
        for word in words:
            self.assertIn(word, finding["text"])
        if level:
            self.assertEqual(finding["level"], level)
        return finding

    def mend(self, finding):
        """Runs the command of a finding in the router, as a user would in a shell."""
        self.lab.router.run("sh", "-c", finding["command"])

    def assert_mended(self, name, *words, level=None):
        """The finding is reported, and is gone after its command."""
        self.mend(self.assert_found(name, *words, level=level))
        self.assertNotIn(name, self.doctor())

    def nft(self, text, undo=None):
        self.lab.router.run("nft", "-f", "-", text_in=text)
        if undo:
            self.addCleanup(self.lab.router.run, "nft", *undo.split(), check=False)


class WithoutDaemon(Doctor):
    @classmethod
    def prepare(cls):
        cls.lab.router.set("net/netfilter/nf_conntrack_acct", 1)

    def setUp(self):
        super().setUp()
        self.assertEqual([each for each, value in self.doctor().items() if value["level"] != "note"], ["not-serving"])

    def test_people_read_it(self):
        """O3: a verdict, then each finding with its command; colour and control characters are not needed."""
        done = self.lab.router.run(program("sipalgctl"), "doctor", check=False)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stdout, r"^0 errors, 1 warning\nwarning: sipalgd does not serve\n    systemctl start sipalg\n")

    def chain(self, hook, priority, rules, policy="accept"):
        self.nft(f"table inet early {{ chain c {{ type filter hook {hook} priority {priority}; policy {policy};\n{rules}\n}}\n}}\n",
                 undo="delete table inet early")

    def test_drops_at_other_hooks(self):
        """A4, O3: chains of other hooks, and at priority mangle, get no rule of sipalgd."""
        drop = 'iifname "wan" ct state new counter drop'
        for hook, priority, rules, policy in (
                ("prerouting", "filter", 'ct state established,related accept\niifname != "wan" accept', "drop"),
                ("postrouting", "filter", 'iifname "wan" ct state new drop', "accept"), ("forward", "mangle", drop, "accept")):
            with self.subTest(hook=hook):
                self.chain(hook, priority, rules, policy)
                self.assert_mended("other-chain", f"chain inet early c of the {hook} hook", "IPv4 and IPv6", level="error")
                self.doCleanups()

    def test_drops_before_the_mark(self):
        """A4, O3: a chain before `admit` cannot know pinholes."""
        self.chain("prerouting", "mangle", 'iifname "wan" ct state new counter drop')
        self.assertEqual(self.assert_found("other-chain", "before sipalgd can mark them", level="error")["command"], "")

    def test_whole_marks(self):
        """A4, O3: a rule that sets all bits of the mark, before the chain with the accept rule; one that keeps the bit is fine."""
        for hook, priority in (("forward", "mangle"), ("prerouting", "filter")):
            with self.subTest(hook=hook):
                self.chain(hook, priority, "ct mark set 0x2a")
                self.assert_found("mark", f"chain inet early c of the {hook} hook", level="error")
                self.doCleanups()
        for hook, priority, rule in (("forward", "mangle", "ct mark set ct mark & 0x10000000 | 0x2a"),
                                     ("postrouting", "filter", "ct mark set 0x2a"), ("prerouting", "mangle", "ct mark set 0x2a")):
            with self.subTest(hook=hook, rule=rule):
                self.chain(hook, priority, rule)
                self.assertNotIn("mark", self.doctor())
                self.doCleanups()

    def test_untracked_signalling(self):
        """X11, O3: a rule in the raw table keeps signalling from conntrack; one for other ports is fine."""
        self.chain("prerouting", "raw", "udp dport 5060 notrack")
        self.assert_mended("untracked", "chain inet early c", "rule handle", level="error")
        self.doCleanups()
        self.chain("prerouting", "raw", "udp dport 53 notrack")
        self.assertNotIn("untracked", self.doctor())

    def test_drops_at_a_device(self):
        """O3: chains of the ingress hook drop before sipalg reads the packet; those of other devices and ports are fine."""
        for family, rules, word in (("netdev", "udp dport 5060 counter drop", "signalling to UDP port 5060 over"),
                                    ("netdev", "udp dport { 5060, 53 } accept\nmeta l4proto udp drop", "media to UDP port 16384 over"),
                                    ("inet", "meta l4proto udp drop", "signalling to UDP port 5060 and media")):
            with self.subTest(family=family, rules=rules):
                self.nft(f"table {family} early {{ chain c {{ type filter hook ingress device wan priority 0;\n{rules}\n}}\n}}\n",
                         undo=f"delete table {family} early")
                self.assert_mended("other-chain", f"chain {family} early c of the ingress hook", word, level="error")
                self.doCleanups()
        for device, rules in (("lo", "drop"), ("wan", "udp dport 53 drop"), ("wan", "ip saddr 198.51.100.0/24 drop")):
            with self.subTest(device=device, rules=rules):
                self.nft(f"table netdev early {{ chain c {{ type filter hook ingress device {device} priority 0;\n{rules}\n}}\n}}\n",
                         undo="delete table netdev early")
                self.assertNotIn("other-chain", self.doctor())
                self.doCleanups()

    def test_drops_in_a_bridge(self):
        """O3: chains of the family bridge; in its forward hook, only packets between inside hosts are dropped."""
        for hook, level in (("input", "error"), ("postrouting", "error"), ("forward", "warning")):
            with self.subTest(hook=hook):
                self.nft(f"table bridge early {{ chain c {{ type filter hook {hook} priority 0;\nudp dport 5060 drop\n}}\n}}\n",
                         undo="delete table bridge early")
                self.assert_mended("other-chain", f"chain bridge early c of the {hook} hook", "signalling to UDP port 5060", level=level)
                self.doCleanups()

    def test_translated_before(self):
        """O3 A3: a nat chain before that of sipalg takes signalling from outside; a forward after it is only a note."""
        for priority, rule, found in ((-110, f"udp dport 5060 dnat to {PHONE1}", True), (-120, "udp dport 5060 redirect to :5070", True),
                                      (-110, "udp dport 53 redirect", False), (-100, f"udp dport 5060 dnat to {PHONE1}", False)):
            with self.subTest(priority=priority, rule=rule):
                self.nft(f"table ip early {{ chain c {{ type nat hook prerouting priority {priority};\niifname wan {rule}\n}}\n}}\n",
                         undo="delete table ip early")
                if found:
                    self.assert_mended("early-nat", "chain ip early c of the prerouting hook", "over IPv4 (rule handle", level="error")
                else:
                    self.assertNotIn("early-nat", self.doctor())
                self.doCleanups()

    def test_root_only(self):
        """O3: without root, one line says what to do."""
        done = subprocess.run(["setpriv", "--reuid=65534", "--clear-groups", program("sipalgctl"), "doctor"],
                              capture_output=True, text=True, check=False, cwd="/")
        if "execute" in done.stderr:
            self.skipTest("the build directory is closed to others")
        self.assertEqual(done.returncode, 1)
        self.assertIn("run it as root", done.stderr)

    def test_forwarding(self):
        """O3: forwarding is off."""
        self.lab.router.set("net/ipv4/ip_forward", 0)
        self.assert_mended("forwarding", level="error")

    def test_conntrack_settings(self):
        """O3: packets are not counted; the table is nearly full."""
        self.lab.router.set("net/netfilter/nf_conntrack_acct", 0)
        self.assert_mended("conntrack-acct", level="warning")

    def test_strict_reverse_path(self):
        """O3: strict rp_filter with two uplinks."""
        self.lab.router.set("net/ipv4/conf/wan/rp_filter", 1)
        self.assertNotIn("rp-filter", self.doctor())
        self.lab.router.run("ip", "route", "add", "default", "via", "192.168.1.200", "dev", "lan", "metric", "100")
        self.addCleanup(self.lab.router.run, "ip", "route", "del", "default", "dev", "lan")
        self.assert_mended("rp-filter", "wan", level="warning")

    def test_mark_rules(self):
        """O3 A9: routes that depend on marks."""
        self.lab.router.run("ip", "rule", "add", "fwmark", "0x100", "lookup", "100")
        self.addCleanup(self.lab.router.run, "ip", "rule", "del", "fwmark", "0x100")
        self.assert_found("mark-rules", "0x100", level="warning")

    def test_private_address(self):
        """O3 N1: another NAT upstream, by an address of RFC 1918 or of a carrier."""
        for address, word in (("10.5.0.2/24", "external-address"), ("100.64.7.2/24", "carrier")):
            self.lab.router.run("ip", "address", "flush", "dev", "wan")
            self.lab.router.address(address, "wan")
            self.lab.router.run("ip", "route", "replace", "default", "dev", "wan")
            self.assert_found("upstream-nat", "wan", address.split("/")[0], word, level="warning")
        self.lab.router.run("ip", "address", "flush", "dev", "wan")
        self.lab.router.address("203.0.113.1/24", "wan")
        self.lab.router.run("ip", "route", "replace", "default", "via", "203.0.113.10")

    def test_no_route(self):
        """O3: no default route."""
        self.lab.router.run("ip", "route", "del", "default")
        self.assert_found("no-route", level="error")
        self.lab.router.run("ip", "route", "add", "default", "via", "203.0.113.10")

    def test_port_forwards(self):
        """O3 X12: a forwarded SIP port is a note, too few media ports are a warning."""
        self.nft("table ip f {\n chain pre {\n type nat hook prerouting priority dstnat;\n"
                 f" udp dport 5060 dnat to {PHONE1}\n udp dport 16384-32767 dnat to {PHONE1}\n }}\n}}", "delete table ip f")
        self.assert_found("port-forward", "5060", PHONE1, level="note")
        self.assert_found("media-ports", "leave 0 ports", level="warning")

    def test_kernel_helper(self):
        """O3 X10: the kernel's own SIP helper, with the command that removes it."""
        self.assign_kernel_helper()
        self.assert_mended("kernel-helper", level="error")

    def test_foreign_table(self):
        """O3: a table of that name that is not ours."""
        self.nft("table inet sipalg { }", "delete table inet sipalg")
        self.assert_found("refused", "sipalg", level="error")

    def test_killed_daemon(self):
        """O3 A5: the leftovers of a killed daemon."""
        self.lab.start_daemon()
        self.lab.kill_daemon()
        self.assert_found("leftover", "table inet sipalg", level="warning")
        self.lab.router.run("nft", "delete", "table", "inet", "sipalg")
        self.assert_found("leftover", "1 accept rules", level="warning")
        self.lab.start_daemon()
        self.lab.stop_daemon()
        self.assertNotIn("leftover", self.doctor())
        self.lab._daemon_options = None  # the next test finds none running


CHAINS = (  # a forward chain, and whether packets of pinholes pass it: IPv4, IPv6
    ("policy drop; ct state established,related accept; iifname lan accept", "IPv4 and IPv6"),
    ("policy drop; ct state vmap { established : accept, related : accept, invalid : drop }; ct status dnat accept", "IPv6"),
    ("policy drop; ct mark & 0x10000000 == 0x10000000 accept", ""),
    ("policy drop; ct direction original ct mark and 0x10000000 == 0x10000000 accept", ""),
    ("policy drop; ct mark 0x1 accept", "IPv4 and IPv6"),
    ("policy accept; ct state invalid drop", ""),
    ("policy accept; iifname wan drop", "IPv4 and IPv6"),
    ("policy accept; iifname wan oifname lan2 drop", ""),
    ('policy accept; iifname vmap { "wan" : jump outside }', "IPv4 and IPv6"),
    ('policy accept; iifname vmap { "wan2" : jump outside }', ""),
    ("policy accept; meta nfproto ipv6 jump outside", "IPv6"),
    ("policy accept; iifname { wan, ppp0 } meta l4proto { tcp, udp } reject", "IPv4 and IPv6"),
    ("policy drop; ip daddr 192.168.1.0/24 accept", "IPv4 and IPv6"),
    ("policy accept; ip saddr 198.51.100.0/24 drop", ""),
    ("policy accept; goto inside", ""),
)
IPTABLES = (
    ("-P FORWARD DROP", True),
    ("-A FORWARD -m conntrack --ctstate DNAT -j ACCEPT", False),
    ("-D FORWARD -m conntrack --ctstate DNAT -j ACCEPT", True),
    ("-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT", True),
    ("-A FORWARD -m connmark --mark 0x10000000/0x10000000 -j ACCEPT", False),
)


class TranslatedIPv6(Doctor):
    @classmethod
    def prepare(cls):
        cls.lab.enable_ipv6()

    def test_found_by_a_flow(self):
        """O3 N2: a rule that masquerades IPv6 too is named by what it does to signalling, and only then."""
        phone = self.lab.udp(self.lab.phone1, PHONE1_6, 5060)
        phone.send(b"before", (PROVIDER_6, 5060))
        self.assertNotIn("ipv6-nat", self.doctor())
        self.lab.forget_flows()
        self.nft('table ip6 n { chain post { type nat hook postrouting priority srcnat; oifname "wan" masquerade; }; }',
                 "delete table ip6 n")
        phone.send(b"after", (PROVIDER_6, 5060))
        wait_for(lambda: "ipv6-nat" in self.doctor(), 2, "the finding")
        self.assert_found("ipv6-nat", f"[{PHONE1_6}]:5060 leaves as [{ROUTER_WAN_6}]:", level="warning")


class BesideDaemon(Doctor):
    @classmethod
    def prepare(cls):
        cls.lab.router.set("net/netfilter/nf_conntrack_acct", 1)
        cls.lab.accept_in = "none"
        cls.lab.router.run("nft", "-f", "-", text_in="flush ruleset")
        cls.lab.empty_ruleset = cls.lab.ruleset()
        super().prepare()

    def setUp(self):
        super().setUp()
        self.assertEqual([each for each, value in self.doctor().items() if value["level"] != "note"], [])

    def test_forward_chains(self):
        """O3 A4: the effect of a forward chain on the first packet of a pinhole, rule by rule."""
        for chain, drops in CHAINS:
            with self.subTest(chain=chain):
                rules = chain.replace(";", "\n")
                policy, _, rest = rules.partition("\n")
                self.nft(f"table inet f\ndelete table inet f\ntable inet f {{\n chain inside {{\n accept\n }}\n"
                         f" chain outside {{\n counter drop\n }}\n chain forward {{\n {FORWARD}; {policy};\n{rest}\n }}\n}}",
                         "delete table inet f")
                finding = self.doctor().get("forward-chain")
                self.assertEqual(bool(finding), bool(drops), finding)
                if drops:
                    self.assertIn(f"inet f forward drops packets that come in through pinholes over {drops} (", finding["text"])
                    self.assertEqual(finding["level"], "error")
                    self.mend(finding)
                    self.assertNotIn("forward-chain", self.doctor())

    def test_iptables_chains(self):
        """O3 A4: the same for rules of iptables-nft."""
        for rule, drops in IPTABLES:
            with self.subTest(rule=rule):
                self.lab.router.run("iptables-nft", *rule.split())
                self.assertEqual("forward-chain" in self.doctor(), drops)
        self.lab.router.run("nft", "delete", "table", "ip", "filter")

    def answered(self, phone, registrar, *change):
        """The phone registers; in the topmost Via of the 200, `change` is replaced."""
        phone.request("REGISTER", phone.dialog(phone.user, (registrar.address, registrar.port)), more=[("Expires", "600")])
        request = registrar.hear("REGISTER")
        via = request.get("Via")
        changed = via.replace(*change) if change else via
        lines = ["SIP/2.0 200 OK", f"Via: {changed}", f"From: {request.get('From')}", f"To: {request.get('To')};tag=r",
                 f"Call-ID: {request.get('Call-ID')}", f"CSeq: {request.get('CSeq')}",
                 f"Contact: {request.get('Contact')};expires=600", "Content-Length: 0", "", ""]
        registrar.send("\r\n".join(lines), request.source)
        phone.hear(200)

    def test_on_the_way(self):
        """O3 N1: another NAT and another ALG between the router and the registrar, by what the registrar sees; a later
        response without a sign corrects the finding."""
        phone, registrar = self.phone(), self.peer()
        self.answered(phone, registrar, ";rport", ";rport=5060;received=198.51.100.7")
        finding = self.assert_found("upstream-nat", PROVIDER, "sees 198.51.100.7:5060", f"in place of {ROUTER_WAN}:5060", level="warning")
        self.assertIn("external-address = 198.51.100.7", finding["command"])
        self.answered(phone, registrar, ";rport", ";rport=61000")
        self.assert_found("upstream-nat", "changes ports", level="warning")
        self.answered(phone, registrar, f" {ROUTER_WAN}", " 198.51.100.7")
        self.assert_found("other-alg", "Via 198.51.100.7:5060", level="warning")
        self.answered(phone, registrar)
        self.assertFalse({"upstream-nat", "other-alg"} & set(self.doctor()))

    def test_owned_table(self):
        """O3 A4: the default accept-in keeps the rule in place, and there is no finding."""
        self.lab.stop_daemon()
        self.nft(ADMIN_RULESET)
        self.assert_found("forward-chain", "sipalgd puts a rule there", level="note")
        self.lab.accept_in = None
        self.lab.start_daemon()
        wait_for(lambda: "forward-chain" not in self.doctor(), 2, "the accept rule")
        self.lab.accept_in = "none"
        self.lab.router.run("nft", "flush", "ruleset")
        self.lab.kill_daemon()

    def test_few_words(self):
        """O3: a healthy router."""
        done = self.lab.router.run(program("sipalgctl"), "--control", self.lab.control, "doctor", check=False)
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertTrue(done.stdout.startswith("nothing is wrong\n"))


def load_tests(loader, _tests, _pattern):
    """Doctor itself has no cases."""
    import unittest
    suite = unittest.TestSuite()
    for case in (WithoutDaemon, BesideDaemon):
        suite.addTests(loader.loadTestsFromTestCase(case))
    return suite


if __name__ == "__main__":
    main()
