#!/usr/bin/python3
"""Writes the corpus of the fuzz target `capture`. Usage: make_corpus.py DIRECTORY"""

import pathlib
import sys

from captures import COOKED, COOKED2, ETHERNET, NULL, RAW, fragments, framed, pcap, pcapng, tcp, udp
from calls import PEER, PHONE, call, invite


def captures():
    """(name, content)"""
    ends = (f"{PHONE}:5060", f"{PEER}:5060")
    rows = [(at, udp(*(ends if out else ends[::-1]), text)) for at, out, text in call(PHONE)]
    rows += [(3 + i / 10, udp(f"198.51.100.{8 + i % 2}:40000", f"{PHONE}:16000", b"\x80" * 16)) for i in range(6)]
    rows.sort(key=lambda row: row[0])
    yield "call.pcap", pcap([(at, framed(p)) for at, p in rows])
    for name, link in (("cooked", COOKED), ("cooked2", COOKED2), ("raw", RAW), ("null", NULL)):
        yield f"{name}.pcap", pcap([(at, framed(p, link)) for at, p in rows[:3]], link, ">", True)
    sides = (("inside", ETHERNET), ("outside", ETHERNET))
    yield "sides.pcapng", pcapng([(at, framed(p, vlans=i % 3), i % 2) for i, (at, p) in enumerate(rows)], sides)
    six = udp("[2001:db8:1::10]:5060", "[2001:db8:2::7]:5060", invite("[2001:db8:1::10]"))
    yield "fragments.pcap", pcap([(0, framed(p)) for p in fragments(six, 160) + fragments(rows[0][1], 160)])
    data = invite(PHONE).encode()
    out, back = (f"{PHONE}:41000", f"{PEER}:5060"), (f"{PEER}:5060", f"{PHONE}:41000")
    segments = [tcp(*out, 100, 0, 2), tcp(*back, 900, 101, 0x12), tcp(*out, 101, 901, 0x18, data[:200]),
                tcp(*out, 301, 901, 0x18, data[200:])]
    yield "tcp.pcapng", pcapng([(i, framed(p), 0) for i, p in enumerate(segments)], order=">")


if __name__ == "__main__":
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for file_name, content in captures():
        (folder / file_name).write_bytes(content)
