#!/usr/bin/python3
"""Real firewalls of Debian beside a daemon without options: firewalld, ufw and shorewall pass the cases of firewall.py.

Their packages are unpacked, not installed (unpacked.py).
"""
import signal
import unittest

from firewall import Firewall
from labtest import main
from netns import wait_for
from unpacked import Unpacked


class Program(Firewall):
    """A firewall that is a program, with its own configuration files."""

    @classmethod
    def begin(cls):
        cls.programs = Unpacked(cls.lab, "firewall")
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
        cls.daemon = programs.start("firewalld", "--nofork", "--nopid", name="firewalld")
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
    for case in (Firewalld, Ufw, Shorewall):
        suite.addTests(loader.loadTestsFromTestCase(case))
    return suite


if __name__ == "__main__":
    main()
