"""The routers that are compared: each with a phone and a provider of its own, alive for the whole run.

    phone 192.168.1.10 ── lan [router] wan ── provider 203.0.113.2

All masquerade on wan and forward everything; they differ in the treatment of SIP.
"""

import contextlib
import json
import os
import signal
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "netns"))

from netns import Namespace, Process, cable, wait_for  # noqa: E402 (needs the path above)

PHONE, PROVIDER = "192.168.1.10", "203.0.113.2"
QUEUE = 5070
# Reasons of messages that pass without the changes and pinholes that they need.
NOT_SERVED = ("limit_reached", "kernel_refused", "too_long", "no_address", "malformed")
MASQUERADE = """
table ip admin {
    chain leaving { type nat hook postrouting priority srcnat; oifname "wan" masquerade; }
}
"""
HELPER = """
table ip helper {
    ct helper assistant { type "sip" protocol udp; l3proto ip; }
    ct helper stream { type "sip" protocol tcp; l3proto ip; }
    chain arriving { type filter hook prerouting priority filter;
                     udp dport 5060 ct helper set "assistant"; tcp dport 5060 ct helper set "stream"; }
}
"""
# Queues where sipalgd does: before conntrack on the way out, after NAT on the way in.
NATIVE_QUEUE = f"""
table ip reader {{
    chain out {{ type filter hook prerouting priority raw;
                iifname "lan" meta l4proto {{ udp, tcp }} th dport 5060 queue num {QUEUE} bypass; }}
    chain in {{ type filter hook postrouting priority srcnat + 10;
               oifname "lan" meta l4proto {{ udp, tcp }} th sport 5060 queue num {QUEUE} bypass; }}
}}
"""
# The same on kernels without nft's queue statement. The mangle table comes before srcnat, which does not change packets
# to the inside.
COMPAT_QUEUE = [rule for protocol in ("udp", "tcp") for rule in (
    ("-t", "raw", "-A", "PREROUTING", "-i", "lan", "-p", protocol, "--dport", "5060"),
    ("-t", "mangle", "-A", "POSTROUTING", "-o", "lan", "-p", protocol, "--sport", "5060"))]


class Setup:
    """Plain NAT, and the base class of the others."""

    name = "plain"
    rewrites = False      # the provider sees nothing but public addresses
    opens = False         # the provider's media reaches the phone
    closes = False        # ... and no longer does after BYE

    def __init__(self, build, directory):
        self.build, self.directory = build, directory
        self.namespaces, self.processes = [], []
        self.reader = None  # the process that takes packets from the queue, if there is one
        self.record = None  # file for a profile of the reader during load(), if one is wanted

    def start(self):
        for role in ("phone", "router", "provider"):
            self.namespaces.append(Namespace(f"sipbench-{os.getpid()}-{self.name}-{role}"))
        self.phone, self.router, self.provider = self.namespaces
        cable(self.phone, "eth0", self.router, "lan")
        cable(self.provider, "eth0", self.router, "wan")
        self.phone.address(f"{PHONE}/24", "eth0")
        self.provider.address(f"{PROVIDER}/24", "eth0")
        self.router.address("192.168.1.1/24", "lan")
        self.router.address("203.0.113.1/24", "wan")
        self.phone.run("ip", "route", "add", "default", "via", "192.168.1.1")
        self.router.set("net/ipv4/ip_forward", 1)
        self.router.run("nft", "-f", "-", text_in=MASQUERADE)
        self.install()

    def install(self):
        """Adds the special rules or programs of this router."""

    def close(self):
        for process in reversed(self.processes):
            process.kill()
        for namespace in self.namespaces:
            namespace.remove()

    def spawn(self, namespace, name, *argv):
        log = os.path.join(self.directory, f"{self.name}-{name}.log")
        open(log, "w").close()
        process = Process(namespace, argv, log)
        self.processes.append(process)
        go_first(process.pid)
        return process

    def forget(self, process):
        process.kill()
        self.processes.remove(process)

    def load(self, mode, transport, *arguments, stream=False):
        """Runs the server and one phone against each other; returns the reports of both."""
        program = os.path.join(self.build, "tests", "bench", "sip_load")
        if transport == "tcp":
            # The helper would reuse its state of the previous connection between the same two ports.
            self.router.run("conntrack", "-F", check=False)
        server = self.spawn(self.provider, "server", program, "server", "--local", PROVIDER, "--inside", PHONE,
                            "--transport", transport, *(["--stream"] if stream else []))
        ready(server)
        if self.record and self.reader:
            recorder = self.spawn(self.router, "perf", "perf", "record", "-q", "-e", "cpu-clock", "-F", 5000, "-g",
                                  "-p", self.reader.pid, "-o", self.record)
        before = self.reader_time()
        client = self.spawn(self.phone, "client", program, mode, "--local", PHONE, "--remote", PROVIDER,
                            "--transport", transport, *map(str, arguments))
        status = client.wait(timeout=60)
        spent = self.reader_time() - before
        if self.record and self.reader:
            recorder.stop(signal.SIGINT)
            self.forget(recorder)
        served = server.stop(signal.SIGTERM)
        self.forget(server)
        self.forget(client)
        if status != 0 or served != 0:
            raise RuntimeError(f"{self.name}: {client.output()}{server.output()}")
        return last_line(client), last_line(server), spent

    def reader_time(self):
        """Processor time of the queue's reader so far, in seconds."""
        if self.reader is None:
            return 0.0
        with open(f"/proc/{self.reader.pid}/stat") as stat:
            fields = stat.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def refusals(self):
        """Tells how often the router has failed since its start; empty: never."""
        return ""

    def unfinished(self):
        """Names the state that remains although all calls have ended; empty: none."""
        return ""


class Helper(Setup):
    """The kernel's own SIP helper (nf_conntrack_sip, nf_nat_sip)."""

    name = "helper"
    rewrites = opens = True

    def install(self):
        self.router.run("nft", "-f", "-", text_in=HELPER)


class Accept(Setup):
    """A queue reader that accepts every packet unread: the upper bound for any NFQUEUE program."""

    name = "accept"

    def install(self):
        if self.router.run("nft", "-f", "-", text_in=NATIVE_QUEUE, check=False).returncode != 0:
            for rule in COMPAT_QUEUE:
                self.router.run("iptables-nft", *rule, "-j", "NFQUEUE", "--queue-num", QUEUE, "--queue-bypass")
        self.reader = self.spawn(self.router, "reader",
                                 os.path.join(self.build, "tests", "bench", "accept_reader"), QUEUE)
        ready(self.reader)


class Sipalgd(Setup):
    """The daemon as it is installed."""

    name = "sipalgd"
    rewrites = opens = closes = True

    def install(self):
        self.control = os.path.join(self.directory, "control.sock")
        empty = os.path.join(self.directory, "sipalgd.conf")
        open(empty, "w").close()
        self.reader = self.spawn(self.router, "daemon", os.path.join(self.build, "sipalgd"), "--foreground",
                                 "--config", empty, "--outside", "wan", "--inside", "lan",
                                 "--control", self.control, "--log-level", "warning")

        def serving():
            if not self.reader.running:
                raise RuntimeError(f"sipalgd ended: {self.reader.output()}")
            return self.ctl("status").returncode == 0
        wait_for(serving, what="sipalgd to serve")

    def ctl(self, *arguments):
        return self.router.run(os.path.join(self.build, "sipalgctl"), "--control", self.control, *arguments,
                               check=False)

    def unfinished(self):
        left = {}

        def nothing():
            for what in ("calls", "pinholes"):
                left[what] = json.loads(self.ctl("--json", what).stdout)
            return not any(left.values())
        try:
            wait_for(nothing, timeout=3, what="calls and pinholes to go")
        except AssertionError:
            return ", ".join(f"{len(rows)} {what}" for what, rows in left.items())
        return ""

    def refusals(self):
        status = json.loads(self.ctl("--json", "status").stdout)
        told = {"refused verdicts": status["refused_verdicts"], "queue overflows": status["queue_overflows"]}
        told.update((reason, status["counters"][reason]) for reason in NOT_SERVED)
        return ", ".join(f"{count} {what}" for what, count in told.items() if count)


def go_first(pid):
    """Gives the process and its session priority over other work on the machine."""
    os.setpriority(os.PRIO_PROCESS, pid, -20)
    with contextlib.suppress(OSError):  # kernels without automatic groups have no such file
        with open(f"/proc/{pid}/autogroup", "w") as group:
            group.write("-20")


def ready(process):
    """Waits for the line that the benchmark's own programs print when they listen."""
    def said():
        if not process.running:
            raise RuntimeError(f"{process.argv[0]} ended: {process.output()}")
        return "ready\n" in process.output()
    wait_for(said, what=f"{process.argv[0]} to be ready")


def last_line(process):
    return json.loads(process.output().splitlines()[-1])


SETUPS = {cls.name: cls for cls in (Setup, Helper, Accept, Sipalgd)}
