"""Makes small captures: frames of several link layers in pcap and pcapng files."""

import ipaddress
import struct

ETHERNET, RAW, NULL, LOOP, COOKED, COOKED2, IPV4, IPV6 = 1, 101, 0, 108, 113, 276, 228, 229


def address_bytes(address):
    return ipaddress.ip_address(address).packed


def endpoint(text):
    """("192.0.2.1", 5060) of "192.0.2.1:5060" or "[2001:db8::1]:5060"."""
    host, _, port = text.rpartition(":")
    return host.strip("[]"), int(port)


def ip(source, destination, protocol, payload, identification=1, offset=0, more=False):
    """An IP packet; with `offset` or `more` a fragment. Checksums stay 0: explain does not look at them."""
    a, b = address_bytes(source), address_bytes(destination)
    if len(a) == 4:
        field = (0x2000 if more else 0) | offset // 8
        return struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), identification, field, 64, protocol, 0) + a + b + payload
    if offset or more:
        payload = struct.pack("!BBHI", protocol, 0, offset | int(more), identification) + payload
        protocol = 44
    return struct.pack("!IHBB", 6 << 28, len(payload), protocol, 64) + a + b + payload


def udp(source, destination, payload):
    """A UDP packet between endpoints written as text."""
    (a, a_port), (b, b_port) = endpoint(source), endpoint(destination)
    if isinstance(payload, str):
        payload = payload.replace("\n", "\r\n").encode()
    return ip(a, b, 17, struct.pack("!HHHH", a_port, b_port, 8 + len(payload), 0) + payload)


def tcp(source, destination, seq, ack, flags, payload=b""):
    (a, a_port), (b, b_port) = endpoint(source), endpoint(destination)
    return ip(a, b, 6, struct.pack("!HHIIBBHHH", a_port, b_port, seq, ack, 0x50, flags, 64000, 0, 0) + payload)


class TcpLeg:
    """A TCP connection at one side of a router, from its SYN."""

    def __init__(self, caller, callee):
        self.ends = {True: caller, False: callee}
        self.seq = {True: 1000, False: 90000}

    def opening(self):
        """The packets of the handshake."""
        a, b = self.ends[True], self.ends[False]
        return [tcp(a, b, 999, 0, 2), tcp(b, a, 89999, 1000, 0x12), tcp(a, b, 1000, 90000, 0x10)]

    def message(self, by_caller, text):
        """A message in one segment, and its acknowledgement."""
        data = text.replace("\n", "\r\n").encode()
        own, other = self.ends[by_caller], self.ends[not by_caller]
        sent = tcp(own, other, self.seq[by_caller], self.seq[not by_caller], 0x18, data)
        self.seq[by_caller] += len(data)
        return [sent, tcp(other, own, self.seq[not by_caller], self.seq[by_caller], 0x10)]


def fragments(packet, size):
    """An unfragmented packet of either family in pieces of `size` bytes."""
    v4 = packet[0] >> 4 == 4
    header = 20 if v4 else 40
    source, destination = (packet[12:16], packet[16:20]) if v4 else (packet[8:24], packet[24:40])
    protocol, body = packet[9 if v4 else 6], packet[header:]
    return [ip(ipaddress.ip_address(source), ipaddress.ip_address(destination), protocol, body[at:at + size], 77, at,
               at + size < len(body)) for at in range(0, len(body), size)]


def framed(packet, link=ETHERNET, vlans=0):
    """The packet behind a header of that link layer."""
    kind = 0x0800 if packet[0] >> 4 == 4 else 0x86DD
    if link == ETHERNET:
        return bytes(12) + b"".join(struct.pack("!HH", 0x8100, 7) for _ in range(vlans)) + struct.pack("!H", kind) + packet
    if link == COOKED:
        return struct.pack("!HHH8sH", 0, 1, 6, b"", kind) + packet
    if link == COOKED2:
        return struct.pack("!HHIHBB8s", kind, 0, 2, 1, 0, 6, b"") + packet
    if link in (NULL, LOOP):
        return struct.pack("<I" if link == NULL else "!I", 2 if kind == 0x0800 else 30) + packet
    return packet


def pcap(frames, link=ETHERNET, order="<", nanoseconds=False):
    """A file of (seconds, frame)."""
    magic, unit = (0xA1B23C4D, 1e9) if nanoseconds else (0xA1B2C3D4, 1e6)
    out = struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, 262144, link)
    for time, frame in frames:
        out += struct.pack(order + "IIII", int(time), round(time % 1 * unit), len(frame), len(frame)) + frame
    return out


def block(kind, body, order="<"):
    body += bytes(-len(body) % 4)
    return struct.pack(order + "II", kind, len(body) + 12) + body + struct.pack(order + "I", len(body) + 12)


def option(code, value, order="<"):
    return struct.pack(order + "HH", code, len(value)) + value + bytes(-len(value) % 4)


def pcapng(frames, interfaces=(("", ETHERNET),), order="<"):
    """A file of (seconds, frame, interface number)."""
    out = block(0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1), order)
    for name, link in interfaces:
        options = option(2, name.encode(), order) + option(0, b"", order) if name else b""
        out += block(1, struct.pack(order + "HHI", link, 0, 0) + options, order)
    for time, frame, interface in frames:
        ticks = round(time * 1e6)
        body = struct.pack(order + "IIIII", interface, ticks >> 32, ticks & 0xFFFFFFFF, len(frame), len(frame)) + frame
        out += block(6, body, order)
    return out
