"""Captures the packets of an interface, reassembles fragments, writes pcap files and shows packets as text."""

import collections
import contextlib
import re
import socket
import struct
import subprocess
import time

from netns import SO_RCVBUFFORCE

ETH_P_ALL, ETH_P_IP = 3, 0x0800
Datagram = collections.namedtuple("Datagram", "source destination payload outgoing")
Datagram.__doc__ = """A UDP datagram: ends as (address, port), its bytes, and whether the host itself sent it."""


Segment = collections.namedtuple("Segment", "source destination sequence acknowledged flags window mss sacks payload outgoing")
Segment.__doc__ = """A TCP segment. `mss` is None without that option, `sacks` a list of (left, right)."""
FIN, SYN, RST, ACK = 1, 2, 4, 16
START_LINE = re.compile(rb"(?:^|\r\n)(SIP/2\.0 \d{3} |[A-Z]+ [^\r\n]+ SIP/2\.0\r\n)")


def _ipv4(frame, protocol):
    """(source, destination, payload) of an unfragmented packet of that protocol, otherwise None."""
    if len(frame) < 34 or frame[12:14] != b"\x08\x00" or frame[23] != protocol or frame[20] & 0x3F or frame[21]:
        return None
    ip = frame[14:]
    carried = ip[(ip[0] & 15) * 4:struct.unpack_from("!H", ip, 2)[0]]
    return socket.inet_ntoa(ip[12:16]), socket.inet_ntoa(ip[16:20]), carried


def _ipv6(frame, protocol):
    """The same for IPv6, without extension headers."""
    if len(frame) < 54 or frame[12:14] != b"\x86\xdd" or frame[20] != protocol:
        return None
    addresses = (socket.inet_ntop(socket.AF_INET6, frame[at:at + 16]) for at in (22, 38))
    return *addresses, frame[54:54 + struct.unpack_from("!H", frame, 18)[0]]


def _tcp_options(options):
    """(mss or None, SACK blocks)"""
    mss, sacks, at = None, [], 0
    while at < len(options) and options[at] != 0:
        if options[at] == 1:
            at += 1
            continue
        kind, size = options[at], options[at + 1]
        if kind == 2:
            mss, = struct.unpack_from("!H", options, at + 2)
        elif kind == 5:
            sacks = [struct.unpack_from("!II", options, at + 2 + i) for i in range(0, size - 2, 8)]
        at += size
    return mss, sacks


def _in_order(pieces):
    """The bytes of {sequence number: bytes}, a part for each run without a gap: under load a capture can lose a frame,
    or get one later than its successor. The streams of the tests are shorter than 2 GiB."""
    some = next(iter(pieces))
    parts, begin, end = [], 0, None
    for place, sequence in sorted(((s - some + (1 << 31)) & 0xFFFFFFFF, s) for s in pieces):
        if end is None or place > end:
            parts.append(b"")
            begin = place
        start, piece = place - begin, pieces[sequence]
        parts[-1] = parts[-1][:start] + piece + parts[-1][start + len(piece):]
        end = begin + len(parts[-1])
    return parts


def _framed(data):
    """The whole SIP messages in a part of a stream, which may begin with the end of one."""
    found = []
    while True:
        start = START_LINE.search(data)
        if not start:
            return found
        data = data[start.start(1):]
        head, separator, _ = data.partition(b"\r\n\r\n")
        length = re.search(rb"\r\ncontent-length\s*:\s*(\d+)", head, re.I)
        size = len(head) + 4 + int(length.group(1)) if separator and length else 0
        if not 0 < size <= len(data):
            return found
        found.append(data[:size])
        data = data[size:]


def _ip_datagram(fragments):
    """The IP payload of a complete set of fragments as {offset: bytes}; None while one is missing."""
    data, end = b"", None
    for offset, (piece, more) in sorted(fragments.items()):
        if offset != len(data):
            return None
        data += piece
        end = None if more else len(data)
    return data if end is not None else None


class Capture:
    """All frames of one interface since this object was made. A packet socket: no program, no start-up time."""

    def __init__(self, namespace, device):
        self.device = device
        self.socket = namespace.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        self.socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 64 << 20)
        self.socket.bind((device, ETH_P_ALL))
        self.frames = []  # (time, bytes, outgoing)

    def clear(self):
        self._drain()
        self.frames = []

    def _drain(self):
        self.socket.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while True:
                frame, address = self.socket.recvfrom(65535)
                self.frames.append((time.time(), frame, address[2] == socket.PACKET_OUTGOING))

    def datagrams(self):
        """Every UDP datagram so far, fragments put together."""
        self._drain()
        found, partial = [], collections.defaultdict(dict)
        for _, frame, outgoing in self.frames:
            if _ipv6(frame, socket.IPPROTO_UDP):
                source, destination, whole = _ipv6(frame, socket.IPPROTO_UDP)
                source_port, port, length = struct.unpack_from("!HHH", whole)
                found.append(Datagram((source, source_port), (destination, port), whole[8:length], outgoing))
                continue
            if len(frame) < 34 or struct.unpack_from("!H", frame, 12)[0] != ETH_P_IP:
                continue
            ip = frame[14:]
            header = (ip[0] & 15) * 4
            total, ident, fragment = struct.unpack_from("!HHH", ip, 2)
            if ip[9] != socket.IPPROTO_UDP:
                continue
            key = (ip[12:20], ident, outgoing)
            whole = ip[header:total]
            if fragment & 0x3FFF:
                partial[key][(fragment & 0x1FFF) * 8] = (whole, bool(fragment & 0x2000))
                whole = _ip_datagram(partial[key])
                if whole is None:
                    continue
                del partial[key]
            source_port, port, length = struct.unpack_from("!HHH", whole)
            found.append(Datagram((socket.inet_ntoa(ip[12:16]), source_port),
                                  (socket.inet_ntoa(ip[16:20]), port), whole[8:length], outgoing))
        return found

    def segments(self):
        """Every TCP segment so far that came in one packet."""
        self._drain()
        found = []
        for _, frame, outgoing in self.frames:
            carried = _ipv6(frame, socket.IPPROTO_TCP) or _ipv4(frame, socket.IPPROTO_TCP)
            if not carried:
                continue
            source_address, address, tcp = carried
            source, port, sequence, acknowledged, offset, flags, window = struct.unpack_from("!HHIIBBH", tcp)
            start = (offset >> 4) * 4
            mss, sacks = _tcp_options(tcp[20:start])
            found.append(Segment((source_address, source), (address, port), sequence, acknowledged, flags, window, mss,
                                 sacks, tcp[start:], outgoing))
        return found

    def messages(self):
        """Every SIP message so far as a Datagram: those of UDP, then those of TCP, in order for each connection."""
        found = [d for d in self.datagrams() if b" SIP/2.0\r\n" in d.payload or d.payload.startswith(b"SIP/2.0 ")]
        streams = collections.defaultdict(dict)
        for segment in self.segments():
            pieces = streams[segment.source, segment.destination, segment.outgoing]
            # A retransmission may be split in another way.
            if len(segment.payload) > len(pieces.get(segment.sequence, b"")):
                pieces[segment.sequence] = segment.payload
        for (source, destination, outgoing), pieces in streams.items():
            for part in _in_order(pieces) if pieces else ():
                found += [Datagram(source, destination, message, outgoing) for message in _framed(part)]
        return found

    def fragments(self, outgoing):
        """The number of IP fragments in that direction."""
        self._drain()
        return sum(1 for _, frame, out in self.frames
                   if out == outgoing and len(frame) >= 34 and frame[12:14] == b"\x08\x00"
                   and struct.unpack_from("!H", frame, 20)[0] & 0x3FFF)

    def write(self, path):
        self._drain()
        with open(path, "wb") as file:
            file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
            for at, frame, _ in self.frames:
                file.write(struct.pack("<IIII", int(at), int(at % 1 * 1e6), len(frame), len(frame)) + frame)

    def text(self, path):
        """The capture as text from tshark; also written to `path`."""
        self.write(path)
        try:
            return subprocess.run(["tshark", "-n", "-r", path], capture_output=True, text=True, timeout=60,
                                  check=False).stdout
        except FileNotFoundError:
            return f"(tshark is not installed; {len(self.frames)} frames)\n"

    def close(self):
        self.socket.close()
