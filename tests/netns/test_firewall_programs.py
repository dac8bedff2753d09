#!/usr/bin/python3
"""Real firewalls of Debian beside a daemon without options: firewalld, ufw and shorewall pass the cases of firewall.py.
firewalld is there twice: that of Debian 12, and that of Debian 13, which owns its table.

Their packages are unpacked, not installed (unpacked.py).
"""
import signal
import unittest

from firewall import Firewall
from labtest import MEDIA_SERVER, LabTest, main
from netns import wait_for
from unpacked import Unpacked


class Program(Firewall):
    """A firewall that is a program, with its own configuration files."""
    packages = ("firewall",)

    @classmethod
    def begin(cls):
        cls.programs = Unpacked(cls.lab, *cls.packages)
        cls.configure(cls.programs)

    def run_in_router(self, *command, text=None):
        return self.programs.run(*command, text_in=text).stdout


def zone(interface, inside):
    """A zone of firewalld, as an owner would configure it for a router."""
    forward = "<forward/>" if inside else "<masquerade/>"
    return (f'<?xml version="1.0" encoding="utf-8"?>\n<zone target="{"ACCEPT" if inside else "DROP"}">\n'
            f'<interface name="{interface}"/>\n{forward}\n</zone>\n')


# A system bus that starts no other programs.
BUS = '''<busconfig>
<type>system</type>
<listen>unix:path=/run/dbus/system_bus_socket</listen>
<policy context="default"><allow own="*"/><allow send_destination="*"/><allow receive_sender="*"/></policy>
</busconfig>
'''
POLICY = '''<?xml version="1.0" encoding="utf-8"?>
<policy target="ACCEPT">
<ingress-zone name="inside"/>
<egress-zone name="uplink"/>
</policy>
'''


class Firewalld(Program):
    chains = (("inet", "firewalld", "filter_FORWARD"),)
    translates = True

    @classmethod
    def configure(cls, programs):
        programs.write("/etc/firewalld/zones/uplink.xml", zone("wan", inside=False))
        programs.write("/etc/firewalld/zones/inside.xml", zone("lan", inside=True))
        programs.write("/etc/firewalld/policies/out.xml", POLICY)
        programs.write("/etc/bus.conf", BUS)
        bus = programs.start("dbus-daemon", "--nofork", "--config-file=/etc/bus.conf", name="dbus-daemon")
        wait_for(lambda: not bus.running or programs.run("test", "-S", "/run/dbus/system_bus_socket", check=False).returncode == 0,
                 10, "the bus")
        cls.start_it()

    @classmethod
    def start_it(cls):
        cls.daemon = cls.programs.start("firewalld", "--nofork", "--nopid", name="firewalld")
        cls.wait_for_answer()

    @classmethod
    def wait_for_answer(cls):
        """It answers when it has loaded its rules."""
        ping = ("dbus-send", "--system", "--print-reply", "--dest=org.fedoraproject.FirewallD1", "/org/fedoraproject/FirewallD1",
                "org.freedesktop.DBus.Peer.Ping")
        wait_for(lambda: not cls.daemon.running or cls.programs.run(*ping, check=False).returncode == 0, 20, "firewalld to answer")
        if not cls.daemon.running:
            raise AssertionError(f"firewalld ended: {cls.daemon.output()}")

    def load(self):
        chain = ("inet", "firewalld", "filter_FORWARD")
        self.programs.run("nft", "insert", "rule", *chain, "counter", "comment", "old")
        self.daemon.send(signal.SIGHUP)
        wait_for(lambda: '"old"' not in self.programs.run("nft", "list", "chain", *chain, check=False).stdout, 20,
                 "firewalld to load its rules again")
        self.wait_for_answer()


OWNED = "NftablesTableOwner"


class OwningFirewalld(LabTest):
    """firewalld of Debian 13 as it is installed: it owns its table, and the kernel refuses rules of others."""
    packages = ("firewall-trixie", "trixie")
    start_it = classmethod(Firewalld.start_it.__func__)
    wait_for_answer = classmethod(Firewalld.wait_for_answer.__func__)

    @classmethod
    def prepare(cls):
        cls.lab.accept_in = None
        cls.lab.enable_ipv6()
        cls.lab.router.run("nft", "flush", "ruleset")
        cls.programs = Unpacked(cls.lab, *cls.packages)
        Firewalld.configure.__func__(cls, cls.programs)
        cls.lab.empty_ruleset = cls.lab.ruleset()
        cls.lab.start_daemon()

    def test_a_refused_rule_is_a_warning(self):
        """A4: the daemon serves; status and log name the remedy; IPv4 pinholes pass, because firewalld accepts them."""
        self.assertIn("flags owner", self.lab.router.run("nft", "list", "table", "inet", "firewalld").stdout)
        refused, = self.lab.ctl("status")["accept_chains"]
        self.assertEqual((refused["chain"], refused["state"]), ("inet firewalld filter_FORWARD", "refused"))
        self.assertIn(f"{OWNED}=no", refused["reason"])
        wait_for(lambda: f"{OWNED}=no" in self.lab.daemon.output(), 3, "the warning in the log")
        call = self.call_out(media_address=MEDIA_SERVER)
        call.exchange(first="right")
        call.hang_up()
        self.assert_closed(call)


class Firewalld2(Firewalld):
    """The same with the remedy that the warning names."""
    packages = ("firewall-trixie", "trixie")

    @classmethod
    def configure(cls, programs):
        programs.run("sed", "-i", f"s/^{OWNED}=yes/{OWNED}=no/", "/etc/firewalld/firewalld.conf")
        super().configure(programs)


class Ufw(Program):
    chains = (("ip", "filter", "FORWARD"), ("ip6", "filter", "FORWARD"))

    @classmethod
    def configure(cls, programs):
        programs.run("sed", "-i", "s/^IPT_SYSCTL=.*/IPT_SYSCTL=/", "/etc/default/ufw")
        files = [f"iptables/{each}.rules" for each in ("before", "before6", "after", "after6", "user", "user6")]
        programs.run("cp", *(f"/usr/share/ufw/{each}" for each in (*files, "ufw.conf")), "/etc/ufw/")
        programs.run("ufw", "route", "allow", "in", "on", "lan")
        programs.run("ufw", "--force", "enable")

    def load(self):
        self.programs.run("ufw", "reload")


class Shorewall(Program):
    chains = (("ip", "filter", "FORWARD"),)
    translates = True
    test_twelve_steps_of_ipv6 = None  # IPv6 is for shorewall6

    @classmethod
    def configure(cls, programs):
        for file, text in (("zones", "fw firewall\nnet ipv4\nloc ipv4\n"), ("interfaces", "?FORMAT 2\nnet wan\nloc lan bridge\n"),
                           ("policy", "loc net ACCEPT\nloc fw ACCEPT\nfw all ACCEPT\nnet all DROP\nall all REJECT\n"),
                           ("snat", "MASQUERADE 192.168.0.0/16 wan\n"), ("rules", "?SECTION NEW\n")):
            programs.write(f"/etc/shorewall/{file}", text)
        programs.run("sed", "-i", "s/^AUTOHELPERS=.*/AUTOHELPERS=No/; s/^STARTUP_ENABLED=.*/STARTUP_ENABLED=Yes/",
                     "/etc/shorewall/shorewall.conf")
        programs.run("shorewall", "start")

    def load(self):
        self.programs.run("shorewall", "reload")


def load_tests(loader, _tests, _pattern):
    """The cases of Firewall itself are for its subclasses."""
    suite = unittest.TestSuite()
    for case in (Firewalld, OwningFirewalld, Firewalld2, Ufw, Shorewall):
        suite.addTests(loader.loadTestsFromTestCase(case))
    return suite


if __name__ == "__main__":
    main()
