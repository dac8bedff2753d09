"""TCP ends in namespaces: they send bytes in given pieces, receive whole SIP messages, and end connections in every
way."""

import contextlib
import errno
import os
import re
import select
import socket
import struct

from netns import Timeout, wait_for
from patience import Limit

# struct tcp_info of linux/tcp.h; kernels only ever add to its end.
_INFO = struct.Struct("8B24I4Q6I")


class Info:
    """The kernel's information about a connection."""

    ESTABLISHED, CLOSE = 1, 7

    def __init__(self, sock):
        fields = _INFO.unpack(sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _INFO.size))
        self.state, self.probes = fields[0], fields[3]
        self.mss, self.unacked = fields[10], fields[12]
        self.retransmitted = fields[31]
        self.unsent = fields[38]
        self.segments_in, self.segments = fields[40:42]  # with data


def difference(heard, wanted):
    """A description of the first difference between two byte strings; empty when they are equal."""
    if heard == wanted:
        return ""
    at = next((i for i, (a, b) in enumerate(zip(heard, wanted)) if a != b), min(len(heard), len(wanted)))
    return (f"byte {at} (heard {len(heard)}, wanted {len(wanted)})\n"
            f"  heard  {heard[max(0, at - 60):at + 60]!r}\n  wanted {wanted[max(0, at - 60):at + 60]!r}")


class Stream:
    """One end of a connection. Everything waits for a bounded time."""

    def __init__(self, sock):
        self.socket = sock
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.local, self.remote = sock.getsockname()[:2], sock.getpeername()[:2]
        self._heard, self._was_reset = b"", False

    def __repr__(self):
        return f"{self.local[0]}:{self.local[1]}"

    @property
    def info(self):
        return Info(self.socket)

    # Sending ------------------------------------------------------------------------------------------------

    def send(self, data, cuts=(), timeout=5.0):
        """Sends the bytes, and those up to each of `cuts` in a segment of their own.

        A piece waits until the previous one was sent, not until it was acknowledged: a gateway that rewrites the
        message may queue its beginning until the rest has arrived.
        """
        self.socket.settimeout(timeout)
        ends = [*cuts, len(data)]
        for start, end in zip([0, *ends], ends):
            if start == end:
                continue
            try:
                self.socket.sendall(data[start:end])
            except TimeoutError:
                raise Timeout(f"{self}: nobody took bytes {start} to {end} in {timeout:g} s") from None
            except ConnectionError:
                self._was_reset = True  # the kernel reports this only once
                raise
            if cuts:
                self.wait_sent(timeout)

    def wait_sent(self, timeout=5.0):
        """Waits until all written bytes were sent, so that the next ones are a segment of their own."""
        if self.info.unsent:
            wait_for(lambda: not self.info.unsent, timeout, f"{self} to be allowed to send; {vars(self.info)}")

    def wait_acknowledged(self, timeout=5.0):
        wait_for(lambda: not self.info.unsent and not self.info.unacked, timeout, f"{self} to be acknowledged")

    def finish(self):
        """Half-close: this end sends no more."""
        self.socket.shutdown(socket.SHUT_WR)

    def reset(self):
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def close(self):
        """Closes at once, with a reset if necessary, so that no packet of this connection reaches the next test."""
        with contextlib.suppress(OSError):
            self.reset()

    # Hearing ------------------------------------------------------------------------------------------------

    def _more(self, limit, what):
        """Reads the bytes that arrive before the Limit is over. False at the end of the stream."""
        while True:
            left = limit.left()
            try:
                self.socket.settimeout(max(left, 0.001))
                data = self.socket.recv(1 << 18)
            except TimeoutError:
                if left and not limit.over():
                    continue
                raise Timeout(f"{self} waited {limit} in vain for {what}; it has {len(self._heard)} bytes: "
                              f"{self._heard[-200:]!r}; {vars(self.info)}") from None
            self._heard += data
            return bool(data)

    def receive(self, count, timeout=5.0):
        """Exactly this number of bytes."""
        limit = Limit(timeout)
        while len(self._heard) < count:
            if not self._more(limit, f"{count} bytes"):
                raise AssertionError(f"{self}: the stream ended after {len(self._heard)} bytes of {count}")
        data, self._heard = self._heard[:count], self._heard[count:]
        return data

    def expect(self, wanted, timeout=5.0):
        """The next bytes must be these; fails at the first difference, however few bytes have arrived."""
        limit = Limit(timeout)
        while len(self._heard) < len(wanted) and wanted.startswith(self._heard):
            if not self._more(limit, f"{len(wanted)} bytes"):
                raise AssertionError(f"{self}: the stream ended after {len(self._heard)} bytes of {len(wanted)}")
        data, self._heard = self._heard[:len(wanted)], self._heard[len(wanted):]
        apart = difference(data, wanted)
        if apart:
            raise AssertionError(f"{self} heard something else from {apart}")

    def message(self, timeout=3.0):
        """The next SIP message (RFC 3261 18.3), without the CRLFs before it."""
        limit = Limit(timeout)
        while True:
            message = self.framed()
            if message:
                return message
            if not self._more(limit, "a SIP message"):
                raise AssertionError(f"{self}: the stream ended in {self._heard!r}")

    def framed(self):
        """The same from the bytes that were read already; None while some of it is missing."""
        self._heard = self._heard.lstrip(b"\r\n")
        head, separator, _ = self._heard.partition(b"\r\n\r\n")
        if not separator:
            return None
        length = re.search(rb"\r\n(?:content-length|l)\s*:\s*(\d+)", head, re.I)
        if not length:
            raise AssertionError(f"{self}: a message without Content-Length: {head!r}")
        size = len(head) + 4 + int(length.group(1))
        if len(self._heard) < size:
            return None
        message, self._heard = self._heard[:size], self._heard[size:]
        return message

    def listen(self):
        """Reads the bytes that have arrived. False at the end of the stream."""
        return self._more(Limit(0.01, exact=True), "something")

    def rest(self, timeout=5.0, enough=None, exact=False):
        """(bytes, reason): all bytes until the stream's "end" or "reset", or until nothing arrives for `timeout`.

        `enough` bytes end it as well, as "more". `exact`: the time does not stretch on a loaded machine.
        """
        while enough is None or len(self._heard) < enough:
            try:
                if not self._more(Limit(timeout, exact), "the end"):
                    return self._take(), "reset" if self._was_reset else "end"
            except Timeout:
                return self._take(), "silence"
            except ConnectionError:
                return self._take(), "reset"
            except OSError as error:
                return self._take(), error.strerror
        return self._take(), "more"

    def _take(self):
        data, self._heard = self._heard, b""
        return data

    def expect_end(self, timeout=3.0):
        """Nothing more arrives, and the other side has closed its direction."""
        self._ends("end", timeout)

    def expect_reset(self, timeout=3.0):
        self._ends("reset", timeout)

    def _ends(self, wanted, timeout):
        data, how = self.rest(timeout)
        if data or how != wanted:
            raise AssertionError(f"{self}: wanted {wanted}, heard {how} after {data[:200]!r}")

    def hears_nothing(self, for_s=0.25):
        data, how = self.rest(for_s, exact=True)
        if data or how != "silence":
            raise AssertionError(f"{self} heard {how} after {data[:200]!r}")


class Listener:
    """A listening socket."""

    def __init__(self, namespace, address, port, receive_buffer=None):
        self.socket = _socket(namespace, address, port, receive_buffer)
        self.socket.listen(1024)
        self.address, self.port = self.socket.getsockname()[:2]

    def accept(self, timeout=3.0, exact=False):
        limit = Limit(timeout, exact)
        left = limit.left()
        while left:
            self.socket.settimeout(left)
            with contextlib.suppress(TimeoutError):
                return Stream(self.socket.accept()[0])
            left = limit.left()
        raise Timeout(f"nobody connected to {self.address}:{self.port} in {limit}")

    def hears_nothing(self, for_s=0.25):
        try:
            stream = self.accept(for_s, exact=True)
        except Timeout:
            return
        stream.close()
        raise AssertionError(f"{stream.remote} connected to {self.address}:{self.port}")

    def close(self):
        self.socket.close()


def connect(namespace, address, to, port=0, receive_buffer=None, timeout=3.0):
    """A connection from `address`, any port of it or a certain one."""
    sock = _socket(namespace, address, port, receive_buffer)
    limit = Limit(timeout)
    sock.setblocking(False)
    error = sock.connect_ex(to)
    while error == errno.EINPROGRESS:
        left = limit.left()
        if not left:
            sock.close()
            raise Timeout(f"{address} could not connect to {to[0]}:{to[1]} in {limit}")
        if select.select((), [sock], (), left)[1]:
            error = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if error:
        sock.close()
        raise OSError(error, f"{address} to {to[0]}:{to[1]}: {os.strerror(error)}")
    return Stream(sock)


def _socket(namespace, address, port, receive_buffer):
    sock = namespace.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
    for option in (socket.SO_REUSEADDR, socket.SO_REUSEPORT):  # a phone may connect from the port at which it listens
        sock.setsockopt(socket.SOL_SOCKET, option, 1)
    if receive_buffer:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    try:
        sock.bind((address, port))
    except OSError as error:
        sock.close()
        raise OSError(error.errno, f"{address}:{port}: {error.strerror}") from None
    return sock


def forge(namespace, source, destination, flags, sequence=0, acknowledged=0):
    """Sends a segment without data that seems to come from (address, port) `source`, which need not be the namespace's."""
    ends = socket.inet_aton(source[0]) + socket.inet_aton(destination[0])
    header = struct.pack("!HHIIBBHHH", source[1], destination[1], sequence, acknowledged, 5 << 4, flags, 64000, 0, 0)
    words = struct.unpack("!16H", ends + struct.pack("!HH", socket.IPPROTO_TCP, len(header)) + header)
    checksum = sum(words) % 0xFFFF ^ 0xFFFF
    packet = (struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(header), 0, 0, 64, socket.IPPROTO_TCP, 0) + ends + header[:16]
              + struct.pack("!HH", checksum, 0))
    with namespace.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as sock:
        sock.sendto(packet, (destination[0], 0))
