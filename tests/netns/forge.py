"""Sends UDP packets with a forged source address, as a hostile host can."""

import socket
import struct

ETH_P_IP, ETH_P_IPV6 = 0x0800, 0x86DD


def _checksum(data):
    words = struct.unpack(f"!{(len(data) + 1) // 2}H", data + b"\0" * (len(data) % 2))
    return sum(words) % 0xFFFF ^ 0xFFFF or 0xFFFF


def link_address(namespace, device):
    """Of an interface, for the sender beside it."""
    text = namespace.run("cat", f"/sys/class/net/{device}/address").stdout
    return bytes.fromhex(text.strip().replace(":", ""))


def udp(namespace, router, source, destination, payload, hops=64):
    """Sends through eth0 of `namespace` to the router's link address, with (address, port) `source` as the source."""
    family = socket.AF_INET6 if ":" in destination[0] else socket.AF_INET
    ends = socket.inet_pton(family, source[0]) + socket.inet_pton(family, destination[0])
    size = 8 + len(payload)
    header = struct.pack("!HHHH", source[1], destination[1], size, 0)
    pseudo = ends + (struct.pack("!IHBB", size, 0, 0, socket.IPPROTO_UDP) if family == socket.AF_INET6
                     else struct.pack("!BBH", 0, socket.IPPROTO_UDP, size))
    datagram = header[:6] + struct.pack("!H", _checksum(pseudo + header + payload)) + payload
    if family == socket.AF_INET6:
        packet = struct.pack("!IHBB", 6 << 28, size, socket.IPPROTO_UDP, hops) + ends + datagram
    else:
        head = struct.pack("!BBHHHBB", 0x45, 0, 20 + size, 0, 0, hops, socket.IPPROTO_UDP)
        packet = head + struct.pack("!H", _checksum(head + b"\0\0" + ends)) + ends + datagram
    kind = ETH_P_IPV6 if family == socket.AF_INET6 else ETH_P_IP
    # The packet is built here because the sender's own IP layer refuses some sources.
    with namespace.socket(socket.AF_PACKET, socket.SOCK_DGRAM) as sock:
        sock.sendto(packet, ("eth0", kind, 0, 0, router))
