"""Network namespaces joined only to each other, sockets in them, and the nft driver, for tests that need root.

Each object removes what it has made in `close`, which tests register with addCleanup. unittest skips these when it is
interrupted, so the rest is removed when Python ends.
"""
import atexit
import contextlib
import ctypes
import itertools
import os
import pathlib
import select
import signal
import socket
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / 'netns'))
from patience import Limit  # noqa: E402 (needs the path above)

_libc = ctypes.CDLL(None, use_errno=True)
_CLONE_NEWNET = 0x40000000
_numbers = itertools.count(1)
ROOT = pathlib.Path(__file__).resolve().parents[2]


def why_not():
    """The reason these tests can't run here, or None."""
    if os.geteuid() != 0:
        return 'needs root: makes network namespaces and nftables rules'
    if not driver_path().exists():
        return f'{driver_path()} is not built'
    return None


def driver_path():
    return pathlib.Path(os.environ.get('NFT_DRIVER', ROOT / 'build/tests/platform/nft_driver'))


def require():
    """For setUpModule."""
    if why_not():
        raise unittest.SkipTest(why_not())


def main():
    """unittest.main(), but with exit status 77 if no test can run here."""
    if why_not():
        print('skipped:', why_not())
        sys.exit(77)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    unittest.main(module='__main__', verbosity=2)


def until(condition, what, seconds=10):
    """Waits for a condition and returns its first true value; waits longer than `seconds` if the machine is slow."""
    limit = Limit(seconds)
    while True:
        over = limit.over()
        value = condition()
        if value:
            return value
        if over:
            raise AssertionError(f'timed out after {limit} waiting for {what}')
        time.sleep(0.01)


class Namespace:
    def __init__(self, label):
        self.name = f'nft-{os.getpid()}-{next(_numbers)}-{label}'
        atexit.register(self.close)  # registered first, because an interrupt may come at any time
        self.run_outside('ip', 'netns', 'add', self.name)
        self.run('ip', 'link', 'set', 'lo', 'up')

    def close(self):
        atexit.unregister(self.close)
        subprocess.run(['ip', 'netns', 'del', self.name], check=False, stderr=subprocess.DEVNULL)

    @staticmethod
    def run_outside(*command):
        subprocess.run(command, check=True, capture_output=True, text=True)

    def run(self, *command, given=None, check=True):
        done = subprocess.run(['ip', 'netns', 'exec', self.name, *command], input=given, text=True,
                              capture_output=True)
        if check and done.returncode != 0:
            raise AssertionError(f'{" ".join(command)}: {done.stderr or done.stdout}')
        return done.stdout

    def nft(self, text):
        """Feeds nft a script, or lists: nft('list ruleset')."""
        return self.run('nft', '-f', '-', given=text)

    @contextlib.contextmanager
    def entered(self):
        """Moves this thread into the namespace; sockets that it makes there stay there."""
        with open('/proc/thread-self/ns/net') as home, open(f'/run/netns/{self.name}') as away:
            if _libc.setns(away.fileno(), _CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), 'setns')
            try:
                yield
            finally:
                _libc.setns(home.fileno(), _CLONE_NEWNET)

    def udp(self, address='0.0.0.0', port=0):
        with self.entered():
            sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.bind((address, port))
        return sock


def join(a, a_interface, a_address, b, b_interface, b_address):
    """A veth pair between two namespaces, addresses with prefix length."""
    Namespace.run_outside('ip', 'link', 'add', a_interface, 'netns', a.name, 'type', 'veth', 'peer', 'name',
                          b_interface, 'netns', b.name)
    for space, interface, address in ((a, a_interface, a_address), (b, b_interface, b_address)):
        space.run('ip', 'address', 'add', address, 'dev', interface)
        space.run('ip', 'link', 'set', interface, 'up')


def receive(sock, nothing_for=None):
    """(payload, source) of the next datagram; None if none has arrived, which is expected within `nothing_for`
    seconds."""
    limit = Limit(5) if nothing_for is None else Limit(nothing_for * (5 if os.environ.get('VMRUN') else 1), exact=True)
    while not limit.over():
        if select.select([sock], [], [], limit.left())[0]:
            return sock.recvfrom(65535)
    return None


class Refused(Exception):
    pass


class Driver:
    """The driver in a namespace. Commands raise Refused with its error text."""

    def __init__(self, space, *options):
        self.process = subprocess.Popen(['ip', 'netns', 'exec', space.name, str(driver_path()), *options],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, text=True, bufsize=1)
        try:
            self._answer()
        except Refused:
            self.close()
            raise

    def _answer(self):
        lines = []
        for line in self.process.stdout:
            line = line.rstrip('\n')
            if line == 'ok':
                return lines
            if line.startswith('error: '):
                raise Refused(line[len('error: '):])
            lines.append(line)
        raise Refused(f'the driver ended with status {self.process.wait()}')

    def __call__(self, command):
        self.process.stdin.write(command + '\n')
        return self._answer()

    def kill(self):
        """Ends like a killed daemon: its table stays."""
        self.process.kill()
        self.close()

    def close(self):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


class DriverTest(unittest.TestCase):
    """The objects that a test makes here are removed after the test."""

    def namespace(self, label):
        space = Namespace(label)
        self.addCleanup(space.close)
        return space

    def driver_in(self, space, *options):
        """A driver whose outside is "wan"."""
        driver = Driver(space, '--outside', 'wan', *options)
        self.addCleanup(driver.close)
        return driver

    def udp(self, space, address, port=0):
        sock = space.udp(address, port)
        self.addCleanup(sock.close)
        return sock
