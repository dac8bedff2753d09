"""Network namespaces and sockets in them. Knows nothing of SIP or of the daemon under test."""

import contextlib
import ctypes
import os
import select
import signal
import socket
import subprocess
import time

from patience import Limit, told_slowness

CLONE_NEWNET = 0x40000000
PR_SET_PDEATHSIG = 1
SO_RCVBUFFORCE = 33
libc = ctypes.CDLL(None, use_errno=True)


class Timeout(AssertionError):
    """An event that a test waits for did not happen."""


def wait_for(condition, timeout=5.0, what="a condition"):
    """Polls until `condition()` is true and returns its value; Timeout names `what` otherwise.

    On a loaded machine it waits longer than `timeout` seconds (patience.py); use promised() for times that the product
    promises.
    """
    return _poll(condition, Limit(timeout), what)


def promised(condition, seconds, what):
    """The same for an action that the product promises within a time: this limit is never extended."""
    return _poll(condition, Limit(seconds, exact=True), what)


def _poll(condition, limit, what):
    while True:
        over = limit.over()  # before the last check, so that an event up to this moment is in time
        value = condition()
        if value:
            return value
        if over:
            raise Timeout(f"waited {limit} in vain for {what}")
        time.sleep(0.01)


@contextlib.contextmanager
def entered(name):
    """The calling thread works in namespace `name`. Sockets that are created there stay there."""
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        there = os.open(f"/run/netns/{name}", os.O_RDONLY | os.O_CLOEXEC)
        try:
            if libc.setns(there, CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), f"setns {name}")
        finally:
            os.close(there)
        try:
            yield
        finally:
            if libc.setns(home, CLONE_NEWNET) != 0:
                os.abort()  # in a wrong namespace, nothing can be repaired
    finally:
        os.close(home)


def _die_with_parent():
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Process:
    """A program that runs in a namespace, its output in a file. Ended by its own pid.

    An ended program stays a zombie until kill(), so that its pid cannot be reused while signals may be sent to it.
    """

    def __init__(self, namespace, argv, log, env=None, stdin=subprocess.DEVNULL):
        self.argv = [str(a) for a in argv]
        self.log = log
        with open(log, "ab") as out:
            # A session of its own: Ctrl-C reaches the test, and the test ends its programs in order.
            self.popen = subprocess.Popen(["ip", "netns", "exec", namespace.name, *self.argv], stdin=stdin,
                                          stdout=out, stderr=subprocess.STDOUT, env=env,
                                          start_new_session=True, preexec_fn=_die_with_parent)
        self.pid = self.popen.pid

    @property
    def running(self):
        return self.status() is None

    def status(self, timeout=0.0):
        """The exit status, waiting at most this number of seconds; None while the program runs. Killed by a signal: its
        negative."""
        if self.popen.returncode is not None:
            return self.popen.returncode
        watched = os.pidfd_open(self.pid)
        try:
            select.select([watched], (), (), timeout)
        finally:
            os.close(watched)
        ended = os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        if not ended:
            return None
        return ended.si_status if ended.si_code == os.CLD_EXITED else -ended.si_status

    def send(self, sig):
        """A signal to the program itself; nothing happens if it has ended."""
        if self.running:
            os.kill(self.pid, sig)

    def output(self):
        with open(self.log, errors="replace") as log:
            return log.read()

    def wait(self, timeout=10.0):
        """Exit status, once the program has ended by itself."""
        limit = Limit(timeout)
        status = self._status_within(limit)
        if status is None:
            raise Timeout(f"{os.path.basename(self.argv[0])} did not end in {limit}:\n{self.output()[-4000:]}")
        return status

    def _status_within(self, limit):
        status = self.status(limit.left())
        while status is None and not limit.over():
            status = self.status(limit.left())
        return status

    def stop(self, sig=signal.SIGTERM, timeout=10.0):
        """Sends `sig` and returns the exit status; a program that does not end is killed, which is an error."""
        self.send(sig)
        status = self._status_within(Limit(timeout))
        if status is None:
            self.kill()
            raise Timeout(f"{os.path.basename(self.argv[0])} ignored signal {sig}")
        return status

    def kill(self):
        """Ends the program and its children: it leads a process group of its own. A second call does nothing."""
        if self.popen.returncode is None:
            os.killpg(self.pid, signal.SIGKILL)
            self.popen.wait()
            # A child of a wrapper may end a moment later than the wrapper.
            wait_for(lambda: not any(_lives_in_group(pid, self.pid) for pid in os.listdir("/proc") if pid.isdigit()), 5,
                     f"the process group of {self.argv[0]} to end")


def _lives_in_group(pid, group):
    with contextlib.suppress(OSError), open(f"/proc/{pid}/stat") as file:
        state, _, its_group = file.read().rpartition(")")[2].split()[:3]
        # A zombie's other threads may still hold its files.
        return int(its_group) == group and (state not in "ZX" or len(os.listdir(f"/proc/{pid}/task")) > 1)
    return False


class Namespace:
    """One network namespace with a loopback interface that is up."""

    def __init__(self, name):
        self.name = name
        subprocess.run(["ip", "netns", "add", name], check=True)
        self.run("ip", "link", "set", "lo", "up")
        self.set("net/ipv6/conf/all/disable_ipv6", 1)  # no packets of its own in the captures
        # Bridged traffic must not pass the router's IP hooks. The knob exists once br_netfilter is loaded.
        with contextlib.suppress(FileNotFoundError):
            self.set("net/bridge/bridge-nf-call-iptables", 0)

    def run(self, *argv, check=True, text_in=None, timeout=30):
        """Runs a program to its end. CompletedProcess with stdout and stderr as text."""
        done = subprocess.run(["ip", "netns", "exec", self.name, *map(str, argv)], input=text_in, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=timeout * told_slowness(), check=False)
        if check and done.returncode != 0:
            raise RuntimeError(f"{self.name}: {' '.join(map(str, argv))}: exit {done.returncode}\n"
                               f"{done.stdout}{done.stderr}")
        return done

    def read(self, path):
        """A file of /proc as this namespace sees it, e.g. "net/netfilter/nfnetlink_queue"."""
        with entered(self.name), open(f"/proc/thread-self/{path}") as file:
            return file.read()

    def set(self, knob, value):
        """Sets a sysctl, given as its path below /proc/sys."""
        with entered(self.name), open(f"/proc/sys/{knob}", "w") as file:
            file.write(str(value))

    def socket(self, family, kind, protocol=0):
        with entered(self.name):
            return socket.socket(family, kind, protocol)

    def address(self, address, device):
        self.run("ip", "address", "add", address, "dev", device)
        self.run("ip", "link", "set", device, "up")

    def bridge(self, name, *ports):
        # No timers: a port forwards from the start, and the lab is ready when its commands are.
        self.run("ip", "link", "add", name, "type", "bridge", "forward_delay", "0", "mcast_snooping", "0")
        for port in ports:
            self.run("ip", "link", "set", port, "master", name, "up")
        self.run("ip", "link", "set", name, "up")

    def remove(self):
        subprocess.run(["ip", "netns", "delete", self.name], check=False)


def cable(left, left_device, right, right_device):
    """A veth pair between two namespaces."""
    subprocess.run(["ip", "link", "add", left_device, "netns", left.name, "type", "veth",
                    "peer", "name", right_device, "netns", right.name], check=True)
    left.run("ip", "link", "set", left_device, "up")
    right.run("ip", "link", "set", right_device, "up")


class Udp:
    """A UDP socket in a namespace."""

    def __init__(self, namespace, address, port=0):
        self.socket = namespace.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 4 << 20)
        try:
            self.socket.bind((address, port))
        except OSError as error:
            self.socket.close()
            raise OSError(error.errno, f"{address}:{port}: {error.strerror}") from None
        self.address, self.port = self.socket.getsockname()[:2]

    def send(self, data, to):
        self.socket.sendto(data, to)

    def receive(self, timeout=3.0):
        """(bytes, (address, port)) of the next datagram."""
        return self._receive(Limit(timeout))

    def _receive(self, limit):
        left = limit.left()
        while left:
            self.socket.settimeout(left)
            try:
                data, source = self.socket.recvfrom(65535)
                return data, source[:2]
            except TimeoutError:
                left = limit.left()
            except ConnectionRefusedError:
                break
        raise Timeout(f"{self.address}:{self.port} heard nothing for {limit}")

    def waiting(self):
        """All datagrams that have already arrived."""
        self.socket.setblocking(False)
        heard = []
        with contextlib.suppress(BlockingIOError, ConnectionRefusedError):
            while True:
                data, source = self.socket.recvfrom(65535)
                heard.append((data, source[:2]))
        return heard

    def hears_nothing(self, for_s=0.25):
        """Raises AssertionError if a datagram comes within that time (loopback-fast paths need microseconds)."""
        try:
            data, source = self._receive(Limit(for_s, exact=True))
        except Timeout:
            return
        raise AssertionError(f"{self.address}:{self.port} heard from {source[0]}:{source[1]}: {data[:200]!r}")

    def close(self):
        self.socket.close()
