#!/usr/bin/python3
"""A bad line between two network devices: it loses, duplicates, delays and reorders frames at random.

usage: line.py LEFT RIGHT [--seed N] [--loss P] [--duplicate P] [--reorder P] [--late MS] [--delay MS]

Forwards frames both ways until SIGTERM, and then prints its counters as JSON. Only TCP segments are affected. P is a
probability; a reordered frame comes --late milliseconds after its time. Loss begins with SIGUSR1, so that a connection
can be opened first: a host that loses a segment of the handshake assumes a round trip time of a second, and from then
on waits for seconds before each retransmission (RFC 6298 2). The peers of both devices must have offloads turned off
(see without_offloads), so that frames are as on a real wire.
"""

import argparse
import ctypes
import fcntl
import heapq
import itertools
import json
import random
import select
import signal
import socket
import struct
import sys
import time

ETH_P_ALL, PACKET_IGNORE_OUTGOING, SOL_PACKET = 3, 23, 263
SIOCETHTOOL, ETHTOOL_STXCSUM, ETHTOOL_SGRO = 0x8946, 0x17, 0x2C


def without_offloads(namespace, device):
    """Segments of at most one MTU, with complete checksums, leave and enter that device."""
    with namespace.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        for command in (ETHTOOL_STXCSUM, ETHTOOL_SGRO):  # without checksums there is no segmentation either
            value = ctypes.create_string_buffer(struct.pack("II", command, 0))
            fcntl.ioctl(sock, SIOCETHTOOL, struct.pack("16sP", device.encode(), ctypes.addressof(value)))


class Line:
    def __init__(self, options):
        self.options, self.random = options, random.Random(options.seed)
        self.losing = False
        self.done = dict.fromkeys(("frames", "lost", "duplicated", "reordered"), 0)
        self.waiting, self.serial = [], itertools.count()  # (time, serial, socket, frame)
        self.sockets = [self.open(device) for device in (options.left, options.right)]

    @staticmethod
    def open(device):
        sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        sock.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        sock.bind((device, ETH_P_ALL))
        sock.setblocking(False)
        return sock

    def run(self):
        left, right = self.sockets
        others = {left: right, right: left}
        while True:
            now = time.monotonic()
            while self.waiting and self.waiting[0][0] <= now:
                _, _, to, frame = heapq.heappop(self.waiting)
                to.send(frame)
            patience = max(0.0, self.waiting[0][0] - now) if self.waiting else None
            for sock in select.select(self.sockets, (), (), patience)[0]:
                self.take(sock.recv(65535), others[sock])

    def take(self, frame, to):
        if len(frame) < 34 or frame[12:14] != b"\x08\x00" or frame[23] != socket.IPPROTO_TCP:
            to.send(frame)
            return
        options, chance = self.options, self.random.random
        self.done["frames"] += 1
        if chance() < options.loss and self.losing:
            self.done["lost"] += 1
            return
        copies = 1
        if chance() < options.duplicate:
            self.done["duplicated"] += 1
            copies = 2
        for _ in range(copies):
            delay = options.delay
            if chance() < options.reorder:
                self.done["reordered"] += 1
                delay += options.late
            if delay == 0 and not self.waiting:
                to.send(frame)
            else:
                heapq.heappush(self.waiting, (time.monotonic() + delay / 1000, next(self.serial), to, frame))


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("left")
    parser.add_argument("right")
    parser.add_argument("--seed", type=int, default=1)
    for name in ("loss", "duplicate", "reorder", "late", "delay"):
        parser.add_argument(f"--{name}", type=float, default=0)
    return parser.parse_args()


def main():
    line = Line(parse_arguments())

    def leave(_number, _frame):
        print(json.dumps(line.done), flush=True)
        sys.exit(0)

    def lose(_number, _frame):
        line.losing = True
    signal.signal(signal.SIGTERM, leave)
    signal.signal(signal.SIGUSR1, lose)
    print("ready", flush=True)
    line.run()


if __name__ == "__main__":
    main()
