"""The laboratory: phones behind a NAT router, a provider and a stranger outside, the daemon on the router.

    phone1 192.168.1.11 ─┐                       ┌─ provider 203.0.113.10, media server 203.0.113.11
    phone2 192.168.1.12 ─┴ lan ┌────────┐  wan   │
    phone3 192.168.2.13 ── lan2│ router │────────┼─ stranger 203.0.113.66
                               └────────┘ 203.0.113.1

Everything is in network namespaces whose names contain this process's id, and is removed when the process ends.
"""

import atexit
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile

import line
import tcp
from capture import Capture
from netns import Namespace, Process, Udp, cable, wait_for

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PHONE1, PHONE2, PHONE3 = "192.168.1.11", "192.168.1.12", "192.168.2.13"
ROUTER_LAN, ROUTER_WAN = "192.168.1.1", "203.0.113.1"
PHONE1_6, PHONE2_6, PROVIDER_6, MEDIA_SERVER_6, STRANGER_6 = (
    "2001:db8:1::11", "2001:db8:1::12", "2001:db8:2::10", "2001:db8:2::11", "2001:db8:2::66")
ROUTER_LAN_6, ROUTER_WAN_6 = "2001:db8:1::1", "2001:db8:2::1"
PROVIDER, MEDIA_SERVER, STRANGER = "203.0.113.10", "203.0.113.11", "203.0.113.66"

# A typical router: closed from outside, and all traffic from inside is masqueraded. It lacks "ct
# status dnat accept" on purpose: only packets that the daemon admits come in.
ADMIN_RULESET = """
table inet admin {
    chain input {
        type filter hook input priority filter; policy drop;
        ct state established,related accept
        iifname { "lo", "lan", "lan2" } accept
        meta l4proto { icmp, icmpv6 } accept
    }
    chain forward {
        type filter hook forward priority filter; policy drop;
        ct state established,related accept
        iifname { "lan", "lan2" } accept
        meta l4proto icmp accept
    }
    chain postrouting {
        type nat hook postrouting priority srcnat; policy accept;
        meta nfproto ipv4 oifname "wan" masquerade
    }
}
"""


def build_directory():
    return os.environ.get("SIPALG_BUILD", os.path.join(ROOT, "build"))


def program(name):
    return os.path.join(build_directory(), name)


def raise_on_signals():
    """SIGINT, SIGTERM and SIGHUP end the process through its exit handlers, also where a shell had SIGINT ignored."""
    def leave(number, _frame):
        sys.exit(128 + number)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, leave)
    signal.signal(signal.SIGHUP, leave)


class Lab:
    """Complete after construction. close() (also called at exit) takes everything away again."""

    _made = 0

    def __init__(self):
        Lab._made += 1
        self._prefix = f"sipalg-{os.getpid()}-{Lab._made}-"
        self._namespaces, self._processes, self._captures, self._sockets = [], [], [], []
        self.daemon, self._daemon_options = None, None  # options: of the last start
        self.directory = tempfile.mkdtemp(prefix="sipalg-lab-")
        self.accept_in = "inet admin forward"
        self.control = os.path.join(self.directory, "control.sock")
        atexit.register(self.close)
        raise_on_signals()
        try:
            self._build()
        except BaseException:
            self.close()
            raise

    def _build(self):
        self.phone1, self.phone2, self.phone3, self.router, self.isp, self.provider, self.stranger = (
            self._namespace(n) for n in ("phone1", "phone2", "phone3", "router", "isp", "provider", "stranger"))
        cable(self.phone1, "eth0", self.router, "port1")
        cable(self.phone2, "eth0", self.router, "port2")
        cable(self.phone3, "eth0", self.router, "lan2")
        cable(self.router, "wan", self.isp, "customer")
        cable(self.provider, "eth0", self.isp, "provider")
        cable(self.stranger, "eth0", self.isp, "stranger")
        self.isp.bridge("switch", "customer", "provider", "stranger")
        self.router.bridge("lan", "port1", "port2")
        for namespace, address in ((self.phone1, f"{PHONE1}/24"), (self.phone2, f"{PHONE2}/24"),
                                   (self.phone3, f"{PHONE3}/24"), (self.provider, f"{PROVIDER}/24"),
                                   (self.provider, f"{MEDIA_SERVER}/24"), (self.stranger, f"{STRANGER}/24")):
            namespace.address(address, "eth0")
        self.router.address(f"{ROUTER_LAN}/24", "lan")
        self.router.address("192.168.2.1/24", "lan2")
        self.router.address(f"{ROUTER_WAN}/24", "wan")
        for phone, gateway in ((self.phone1, ROUTER_LAN), (self.phone2, ROUTER_LAN),
                               (self.phone3, "192.168.2.1")):
            phone.run("ip", "route", "add", "default", "via", gateway)
        self.router.run("ip", "route", "add", "default", "via", PROVIDER)
        self.router.set("net/ipv4/ip_forward", 1)
        self.router.run("nft", "-f", "-", text_in=ADMIN_RULESET)
        self.captures = {"phone1": self._capture(self.phone1, "eth0"), "phone2": self._capture(self.phone2, "eth0"),
                         "phone3": self._capture(self.phone3, "eth0"), "wan": self._capture(self.router, "wan"),
                         "lan": self._capture(self.router, "lan"),
                         "provider": self._capture(self.provider, "eth0")}
        self.empty_ruleset = self.ruleset()

    def _namespace(self, name):
        namespace = Namespace(self._prefix + name)
        self._namespaces.append(namespace)
        return namespace

    def uplink(self, name, device, router_address, far_address):
        """One more network outside, beside `wan`: a namespace at `far_address`, joined to the router's `device`."""
        far = self._namespace(name)
        cable(far, "eth0", self.router, device)
        far.address(f"{far_address}/24", "eth0")
        self.router.address(f"{router_address}/24", device)
        self.router.run("nft", "add", "rule", "inet", "admin", "postrouting", "oifname", device, "masquerade")
        self.empty_ruleset = self.ruleset()
        return far

    def interpose(self, near, near_device, far, far_device, switch):
        """A namespace in the middle of a cable, for line.py: its ends are `near` and `far`. `far_device` belongs to a switch."""
        middle = self._namespace(f"line{len(self._namespaces)}")
        far.run("ip", "link", "set", far_device, "netns", middle.name)
        middle.run("ip", "link", "set", far_device, "name", "near", "up")
        cable(middle, "far", far, far_device)
        far.run("ip", "link", "set", far_device, "master", switch)
        line.without_offloads(near, near_device)
        line.without_offloads(far, far_device)
        return middle

    def enable_ipv6(self):
        """Addresses and routes of phone 1, the router, the provider and the stranger."""
        for namespace in (self.phone1, self.router, self.isp, self.provider, self.stranger):
            namespace.set("net/ipv6/conf/all/disable_ipv6", 0)
        for namespace, device, addresses in (
                (self.phone1, "eth0", [PHONE1_6]), (self.router, "lan", [ROUTER_LAN_6]),
                (self.router, "wan", [ROUTER_WAN_6]), (self.provider, "eth0", [PROVIDER_6, MEDIA_SERVER_6]),
                (self.stranger, "eth0", [STRANGER_6])):
            for address in addresses:
                namespace.run("ip", "address", "add", f"{address}/64", "dev", device, "nodad")
        self.phone1.run("ip", "-6", "route", "add", "default", "via", ROUTER_LAN_6)
        for namespace in (self.provider, self.stranger):
            namespace.run("ip", "-6", "route", "add", "default", "via", ROUTER_WAN_6)
        self.router.set("net/ipv6/conf/all/forwarding", 1)
        for namespace in (self.phone1, self.router, self.provider):
            wait_for(lambda n=namespace: not n.run("ip", "-6", "address", "show", "tentative").stdout, 5, "addresses of links")

    def remove_wan(self):
        """Deletes the outside interface, as if its adapter were unplugged. Returns a function that makes it again."""
        shown = self.router.run("ip", "link", "show", "dev", "wan").stdout
        hardware_address = re.search(r"link/ether (\S+)", shown).group(1)
        self.router.run("ip", "link", "delete", "wan")
        return lambda: self._replace_wan(hardware_address)

    def _replace_wan(self, hardware_address):
        cable(self.router, "wan", self.isp, "customer")
        self.router.run("ip", "link", "set", "wan", "address", hardware_address)
        self.isp.run("ip", "link", "set", "customer", "master", "switch")
        self.router.address(f"{ROUTER_WAN}/24", "wan")
        self.router.run("ip", "route", "add", "default", "via", PROVIDER)
        if "inet6" in self.router.run("ip", "-6", "address", "show", "dev", "lan").stdout:
            self.router.run("ip", "address", "add", f"{ROUTER_WAN_6}/64", "dev", "wan", "nodad")
        self.captures["wan"].close()
        self._captures.remove(self.captures["wan"])
        self.captures["wan"] = self._capture(self.router, "wan")

    def new_namespace(self, name):
        """Another namespace, for the test to connect to others; removed with the lab."""
        return self._namespace(name)

    def _capture(self, namespace, device):
        capture = Capture(namespace, device)
        self._captures.append(capture)
        return capture

    # For tests -----------------------------------------------------------------------------------------

    def udp(self, namespace, address, port=0):
        """A UDP socket that close_sockets() closes."""
        return self.kept(Udp(namespace, address, port))

    def tcp_listener(self, namespace, address, port=0, **more):
        """A listening TCP socket that close_sockets() closes."""
        return self.kept(tcp.Listener(namespace, address, port, **more))

    def tcp(self, namespace, address, to, **more):
        """A TCP connection that close_sockets() closes."""
        return self.kept(tcp.connect(namespace, address, to, **more))

    def kept(self, sock):
        """Any object with a close(), which close_sockets() calls."""
        self._sockets.append(sock)
        return sock

    def closing(self, sock):
        """The same for any other socket."""
        self._sockets.append(sock)

    def close_sockets(self):
        for sock in self._sockets:
            sock.close()
        self._sockets = []

    def start(self, namespace, *argv, name=None, lasting=False, **more):
        """A program in a namespace; its output is kept in the lab's directory. fresh() ends it unless `lasting`."""
        name = name or os.path.basename(str(argv[0]))
        process = Process(namespace, argv, os.path.join(self.directory, f"{name}.{len(self._processes)}.log"),
                          **more)
        process.lasting = lasting
        self._processes.append(process)
        return process

    def file(self, name, text):
        path = os.path.join(self.directory, name)
        with open(path, "w") as file:
            file.write(text)
        return path

    def ruleset(self):
        return self.router.run("nft", "-s", "list", "ruleset").stdout

    def table(self):
        """The daemon's table as nft lists it."""
        return self.router.run("nft", "list", "table", "inet", "sipalg").stdout

    def members(self, name, kind="set"):
        """The words of the elements in one of its sets, or of a "map"."""
        listed = self.router.run("nft", "list", kind, "inet", "sipalg", name).stdout
        return listed.split("elements = {")[1].split("}")[0].split() if "elements" in listed else []

    def conntrack(self, *argv):
        """Lines of `conntrack -L`, with further conditions, e.g. "-p", "udp"."""
        return self.router.run("conntrack", "-L", *argv, check=False).stdout.splitlines()

    def flows(self, *needles, family="ipv4"):
        """UDP conntrack entries that contain all the words."""
        return [line for line in self.conntrack("-f", family, "-p", "udp") if all(f" {needle} " in line for needle in needles)]

    def invalid_packets(self):
        """The number of packets that the router's conntrack found invalid (T2)."""
        said = self.router.run("conntrack", "-S").stdout
        return sum(int(number) for number in re.findall(r" invalid=(\d+)", said))

    def forget_flows(self):
        self.router.run("conntrack", "-F", check=False)

    def queue_counters(self):
        """The number of packets that the router has put into userspace queues so far, and the number dropped there."""
        rows = [line.split() for line in self.router.read("net/netfilter/nfnetlink_queue").splitlines()]
        return sum(int(row[7]) for row in rows), sum(int(row[5]) + int(row[6]) for row in rows)

    # The daemon ---------------------------------------------------------------------------------------------

    def daemon_argv(self, *options, config=""):
        return (program("sipalgd"), "--foreground", "--config", self.file("sipalgd.conf", config),
                *(("--accept-in", self.accept_in) if self.accept_in else ()), "--control", self.control, "--log-level", "debug", *options)

    def start_daemon(self, *options, config="", wrapper=()):
        """Starts sipalgd on the router, through the program `wrapper` if there is one, and waits until it serves."""
        self._daemon_options = options
        self.daemon = self.start(self.router, *wrapper, *self.daemon_argv(*options, config=config), lasting=True)

        def serving():
            if not self.daemon.running:
                raise AssertionError(f"sipalgd ended with {self.daemon.status()}:\n{self.daemon.output()}")
            return self.ctl_run("status").returncode == 0
        wait_for(serving, 20, "sipalgd to serve")

    @property
    def state_file(self):
        return os.path.join(os.path.dirname(self.control), "state")

    def stop_daemon(self, keep=False):
        """Clean stop: exit status 0 and the ruleset as it was before (SPEC 1). `keep`: its state file stays (A5)."""
        daemon, self.daemon = self.daemon, None
        status = daemon.stop()
        assert status == 0, f"sipalgd ended with {status}:\n{daemon.output()[-6000:]}"
        left = self.ruleset()
        assert left == self.empty_ruleset, f"left in the kernel:\n{left}"
        if not keep and os.path.exists(self.state_file):
            os.unlink(self.state_file)

    def kill_daemon(self):
        self.daemon.kill()
        self.daemon = None

    def ctl_run(self, *argv):
        return subprocess.run([program("sipalgctl"), "--control", self.control, *argv], capture_output=True,
                              text=True, timeout=20, check=False)

    def ctl(self, *argv):
        """The decoded output of `sipalgctl --json`."""
        done = self.ctl_run("--json", *argv)
        assert done.returncode == 0, f"sipalgctl {' '.join(argv)}: exit {done.returncode}: {done.stderr}"
        return json.loads(done.stdout)

    def fresh(self):
        """Restores the initial state: ends the programs and sockets of the last test, starts a new daemon, and clears
        flows and captures."""
        for process in self._processes:
            if not process.lasting:
                process.kill()
        self.close_sockets()
        if self._daemon_options is not None and not self.daemon:
            self.start_daemon(*self._daemon_options)  # whose stop removes what a killed one has left
        if self.daemon:
            self.stop_daemon()
            self.forget_flows()  # it would take them over
            self.start_daemon(*self._daemon_options)
        self.forget_flows()
        for capture in self._captures:
            capture.clear()

    # The end ------------------------------------------------------------------------------------------------

    def evidence(self):
        """All information that helps to understand a failure, as text."""
        parts = []

        def add(title, produce):
            try:
                parts.append(f"----- {title}\n{produce()}")
            except Exception as error:  # if one part fails, the rest is still useful
                parts.append(f"----- {title}: {error}")
        add("nft list ruleset", lambda: self.router.run("nft", "list", "ruleset").stdout)
        add("conntrack -L", lambda: "\n".join(self.conntrack()))
        for name, capture in self.captures.items():
            add(f"packets on {name}", lambda n=name, c=capture: "\n".join(
                c.text(os.path.join(self.directory, f"{n}.pcap")).splitlines()[:60]))
        if self.daemon and self.daemon.running:
            for what in ("calls", "pinholes", "bindings", "flows"):
                add(f"sipalgctl {what}", lambda w=what: self.ctl_run(w).stdout)
        for process in self._processes:
            if "sipalgd" in process.argv[0] or process.running:
                add(f"{process.argv[0]} said", lambda p=process: "\n".join(p.output().splitlines()[-60:]))
        return "\n".join(parts)

    def close(self):
        """Ends all programs and removes all objects of the lab; a second call does nothing."""
        if not self.directory:
            return
        held = {s: signal.signal(s, signal.SIG_IGN) for s in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
        try:
            for process in self._processes:
                process.kill()
            self.close_sockets()
            for capture in self._captures:
                capture.close()
            for namespace in self._namespaces:
                namespace.remove()
            shutil.rmtree(self.directory, ignore_errors=True)
            self.directory = ""
            atexit.unregister(self.close)
        finally:
            for number, handler in held.items():
                signal.signal(number, handler)

    def leftovers(self):
        """The objects that close() should have removed and has not."""
        there = os.listdir("/run/netns") if os.path.isdir("/run/netns") else []
        return [n for n in there if n.startswith(self._prefix)] + [
            p.argv[0] for p in self._processes if p.running]
