#!/usr/bin/python3
"""A STUN server (RFC 8489) that answers each binding request with the address that it came from: ADDRESS PORT."""

import socket
import struct
import sys

COOKIE = 0x2112A442


def answer(request, source):
    """The binding success response, with XOR-MAPPED-ADDRESS only."""
    port = source[1] ^ COOKIE >> 16
    address = struct.unpack("!I", socket.inet_aton(source[0]))[0] ^ COOKIE
    return struct.pack("!HHI12sHHBBHI", 0x0101, 12, COOKIE, request[8:20], 0x0020, 8, 0, 1, port, address)


def main():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind((sys.argv[1], int(sys.argv[2])))
        while True:
            request, source = server.recvfrom(2048)
            if len(request) >= 20 and request[:2] == b"\0\1":
                server.sendto(answer(request, source), source)


if __name__ == "__main__":
    main()
