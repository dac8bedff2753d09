#!/usr/bin/python3
"""`sipalgctl explain` on captures made here (O2). Usage: test_explain.py SIPALGCTL [unittest arguments]

With SIPALG_CAPTURES=DIRECTORY, every file of it is explained as well, and must not end in a crash.
"""

import base64
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

from calls import PEER, PHONE, ROUTER, answer, as_sent_by_router, bye, call, invite, message, sdp
from captures import (COOKED, COOKED2, ETHERNET, IPV4, LOOP, NULL, RAW, TcpLeg, block, fragments, framed, option, pcap, pcapng,
                      tcp, udp)

PROGRAM = ""
TIME = 1_700_000_000
RTP = b"\x80\x00" + bytes(170)


def packets(host=PHONE, media="198.51.100.8"):
    """(seconds, packet) of a whole call without media, seen where the phone is `host`."""
    own, peer = f"{host}:5060", f"{PEER}:5060"
    return [(TIME + at, udp(own, peer, text) if out else udp(peer, own, text)) for at, out, text in call(host, media)]


def rtp(host, remote, begin, count, back=True):
    """(seconds, packet): both directions, 20 ms apart."""
    rows = []
    for i in range(count):
        rows.append((TIME + begin + i * 0.02, udp(f"{host}:16000", f"{remote}:40000", RTP)))
        if back:
            rows.append((TIME + begin + i * 0.02 + 0.01, udp(f"{remote}:40000", f"{host}:16000", RTP)))
    return rows


def in_order(rows):
    """A capture of (seconds, packet)."""
    return pcap([(at, framed(packet)) for at, packet in sorted(rows, key=lambda row: row[0])])


class Explained(unittest.TestCase):
    """Captures that are made in a directory of the test."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def run_explain(self, content, *arguments, status=0):
        path = self.folder / "capture"
        path.write_bytes(content)
        done = subprocess.run([PROGRAM, "explain", str(path), *arguments], capture_output=True, text=True, timeout=60,
                              check=False)
        self.assertEqual(done.returncode, status, done.stderr)
        return done.stdout if status == 0 else done.stderr

    def explain(self, content, *arguments):
        return json.loads(self.run_explain(content, "--json", *arguments))

    def only(self, document):
        self.assertEqual(len(document["conversations"]), 1, document)
        return document["conversations"][0]

    @staticmethod
    def changes(conversation):
        return [(row["title"], change["place"], change["old"], change["new"]) for row in conversation["events"]
                if row["type"] == "message" for change in row["changes"]]


class Calls(Explained):
    """The explanation of a call."""

    def test_inside(self):
        """O2: a capture of the inside shows each change, its rule, and the lifetime of the pinholes."""
        document = self.explain(in_order(packets() + rtp(PHONE, "198.51.100.8", 3, 200)),
                                "--outside", ROUTER)
        one = self.only(document)
        self.assertEqual((document["inside"], document["outside"]), ([PHONE], ROUTER))
        self.assertIn(("INVITE", "Contact", PHONE, ROUTER), self.changes(one))
        self.assertIn(("INVITE", "c=", PHONE, ROUTER), self.changes(one))
        invited = one["events"][0]
        self.assertEqual({c["rule"] for c in invited["changes"]}, {"S3", "D1", "S6"})
        open_ = [p for p in one["pinholes"] if p["remote"] == "198.51.100.8" and p["component"] == "rtp"]
        self.assertEqual([(p["opened_s"], p["closed_s"], p["packets"]) for p in open_], [(2.0, 12.1, 200)], one["pinholes"])
        self.assertEqual([(m["from_phone"], m["to_phone"], m["refused"]) for m in one["media"]], [(200, 200, 0)])
        self.assertEqual((one["verdict"], one["problems"]), ("ok", []))
        self.assertEqual(one["summary"], "answered after 2.0 s, ended by the phone after 10.0 s; audio: 200 packets out, 200 in")

    def test_unannounced_media(self):
        """O2: media from an address that no description named are reported, with the setting that admits them."""
        frames = packets() + rtp(PHONE, "198.51.100.8", 3, 50, back=False)
        frames += [(TIME + 3 + i * 0.02, udp("198.51.100.99:4000", f"{PHONE}:16000", RTP)) for i in range(150)]
        one = self.only(self.explain(in_order(frames)))
        self.assertEqual(one["verdict"], "problem")
        self.assertEqual(one["problems"], ["audio from the peer came from 198.51.100.99, which no description named: 150 packets "
                                           "would be dropped; media-source = latch would let them in"])

    def test_one_way(self):
        """O2: a peer that sends nothing is reported."""
        one = self.only(self.explain(in_order(packets() + rtp(PHONE, "198.51.100.8", 3, 50, False))))
        self.assertIn("no media came from the peer, although the phone sent 50 packets", one["problems"])

    def test_both_sides(self):
        """O2: where both sides of the router are captured, each message counts once."""
        frames = []
        for (at, out, inner), (_, _, outer) in zip(call(PHONE), call(ROUTER)):
            for shift, host, text in ((0, PHONE, inner), (0.001, ROUTER, outer)) if out else ((0, ROUTER, outer), (0.001, PHONE, inner)):
                ends = (f"{host}:5060", f"{PEER}:5060")
                frames.append((TIME + at + shift, framed(udp(*(ends if out else ends[::-1]), text))))
        document = self.explain(pcap(frames))
        one = self.only(document)
        self.assertEqual((document["inside"], document["outside"], document["messages"]), ([PHONE], ROUTER, 6))
        self.assertEqual((one["verdict"], one["problems"]), ("ok", []))
        self.assertIn(("180 Ringing", "Via sent-by", ROUTER, PHONE), self.changes(one))

    @staticmethod
    def media_of_both_sides(port):
        """Media as the inside and the outside see them."""
        rows = []
        for i in range(100):
            at = TIME + 3 + i * 0.02
            rows += [(at, udp(f"{PHONE}:16000", "198.51.100.8:40000", RTP)),
                     (at + 0.001, udp(f"{ROUTER}:{port}", "198.51.100.8:40000", RTP)),
                     (at + 0.01, udp("198.51.100.8:40000", f"{ROUTER}:{port}", RTP)),
                     (at + 0.011, udp("198.51.100.8:40000", f"{PHONE}:16000", RTP))]
        return rows

    def assert_one_call_of_both_sides(self, rows):
        document = self.explain(in_order(rows))
        one = self.only(document)
        self.assertEqual((document["inside"], document["outside"], document["messages"]), ([PHONE], ROUTER, 6))
        self.assertEqual((one["verdict"], one["summary"]),
                         ("ok", "answered after 2.0 s, ended by the phone after 10.0 s; audio: 100 packets out, 100 in"))
        return document

    def test_both_sides_with_other_ports(self):
        """O2: the router has changed the source port of the phone, and the media port in the message; or sipalg was not there
        and the messages name the phone. Each message and each packet of media counts once."""
        for port, media_port, changed in ((61000, 20000, True), (5060, 20000, True), (61000, 20000, False)):
            rows = self.media_of_both_sides(media_port)
            for at, out, inner in call(PHONE):
                outer = as_sent_by_router(inner, port, media_port) if changed else inner
                legs = [(f"{PHONE}:5060", inner), (f"{ROUTER}:{port}", outer)]
                for i, (own, text) in enumerate(legs if out else legs[::-1]):
                    ends = (own, f"{PEER}:5060")
                    rows.append((TIME + at + i * 0.001, udp(*(ends if out else ends[::-1]), text)))
            with self.subTest(port=port, changed=changed):
                document = self.assert_one_call_of_both_sides(rows)
                self.assertEqual(any("shown as they arrived there" in note for note in document["notes"]), port != 5060)
                if changed:
                    stranger = [(TIME + 4 + i * 0.02, udp("198.51.100.99:4000", f"{ROUTER}:{media_port}", RTP)) for i in range(50)]
                    refused = self.only(self.explain(in_order(rows + stranger)))
                    self.assertEqual([m["refused"] for m in refused["media"] if m["remote"].startswith("198.51.100.99")], [50])

    def test_both_sides_of_tcp(self):
        """O2 T1: sipalg has changed the lengths of messages, so the two sides have different sequence numbers."""
        for port in (45000, 61000):
            inside, outside = TcpLeg(f"{PHONE}:45000", f"{PEER}:5060"), TcpLeg(f"{ROUTER}:{port}", f"{PEER}:5060")
            rows = self.media_of_both_sides(20000)
            rows += [(TIME - 1 + i * 0.01, packet) for i, packet in enumerate(inside.opening() + outside.opening())]
            for at, out, text in call(PHONE):
                inner = text.replace("/UDP", "/TCP").replace(f"{PHONE}:5060", f"{PHONE}:45000")
                outer = as_sent_by_router(text, port, 20000).replace("/UDP", "/TCP")
                legs = [(inside, inner), (outside, outer)]
                packets_ = [packet for leg, content in (legs if out else legs[::-1]) for packet in leg.message(out, content)]
                rows += [(TIME + at + i * 0.0003, packet) for i, packet in enumerate(packets_)]
            with self.subTest(port=port):
                self.assert_one_call_of_both_sides(rows)

    def test_outside_alone(self):
        """O2: a capture of the outside, where the phone's private address left unchanged, shows the missing change."""
        frames = []
        for at, out, text in call(PHONE):
            ends = (f"{ROUTER}:5060", f"{PEER}:5060")
            frames.append((TIME + at, framed(udp(*(ends if out else ends[::-1]), text))))
        document = self.explain(pcap(frames))
        self.assertEqual((document["inside"], document["outside"]), ([PHONE], ROUTER))
        self.assertIn(("INVITE", "c=", PHONE, ROUTER), self.changes(self.only(document)))

    def test_registered_before(self):
        """O2: a call that comes in is followed although the capture has no REGISTER."""
        text = message("INVITE sip:a@192.168.1.10 SIP/2.0", PEER, "1 INVITE", sdp("198.51.100.8", 40000), contact=f"b@{PEER}")
        ok = message("SIP/2.0 200 OK", PEER, "1 INVITE", sdp(PHONE, 16000), True, contact=f"a@{PHONE}")
        document = self.explain(pcap([(TIME, framed(udp(f"{PEER}:5060", f"{PHONE}:5060", text))),
                                      (TIME + 1, framed(udp(f"{PHONE}:5060", f"{PEER}:5060", ok)))]))
        self.assertIn("frame 1: the capture has no earlier message of 192.168.1.10:5060; it is assumed to be registered",
                      document["notes"])
        self.assertEqual({p["public"] for p in self.only(document)["pinholes"] if p["media"] == "audio"},
                         {f"{ROUTER}:16000", f"{ROUTER}:16001"})

    def test_refused_and_unanswered(self):
        """O2: calls and registrations that fail are told apart."""
        refused = message("SIP/2.0 486 Busy Here", PHONE, "1 INVITE", to_tag=True)
        out, back = (f"{PHONE}:5060", f"{PEER}:5060"), (f"{PEER}:5060", f"{PHONE}:5060")
        register = message("REGISTER sip:example.com SIP/2.0", PHONE, "1 REGISTER", contact=f"a@{PHONE}", call_id="r@test")
        denied = message("SIP/2.0 403 Forbidden", PHONE, "1 REGISTER", to_tag=True, call_id="r@test")
        lost = invite(PHONE, call_id="lost@test")
        rows = [udp(*out, invite(PHONE)), udp(*back, refused), udp(*out, register), udp(*back, denied), udp(*out, lost)]
        found = self.explain(pcap([(TIME + i, framed(p)) for i, p in enumerate(rows)]))["conversations"]
        self.assertEqual([(c["kind"], c["verdict"], c["summary"]) for c in found],
                         [("call", "ok", "refused: 486 Busy Here"), ("registration", "problem", "refused: 403 Forbidden"),
                          ("call", "problem", "no answer to the INVITE")])

    def test_tcp(self):
        """O2, T1: messages in TCP segments, split anywhere, are read by the core's own reader."""
        bytes_ = invite(PHONE).replace("\n", "\r\n").encode()
        out, back = (f"{PHONE}:41000", f"{PEER}:5060"), (f"{PEER}:5060", f"{PHONE}:41000")
        rows = [tcp(*out, 100, 0, 2), tcp(*back, 900, 101, 0x12), tcp(*out, 101, 901, 0x10)]
        rows += [tcp(*out, 101 + at, 901, 0x18, bytes_[at:at + 200]) for at in range(0, len(bytes_), 200)]
        one = self.only(self.explain(pcap([(TIME + i * 0.01, framed(p)) for i, p in enumerate(rows)])))
        self.assertIn(("INVITE", "c=", PHONE, ROUTER), self.changes(one))
        late = self.explain(pcap([(TIME, framed(tcp(*out, 101, 901, 0x18, bytes_)))]))
        self.assertTrue(any("began before the capture" in note for note in late["notes"]), late["notes"])

    def test_tcp_in_small_pieces(self):
        """O2, T1: a call on TCP in segments that hold no whole line, out of order, repeated and overlapping."""
        def pieces(leg, out, data):
            own, other = leg.ends[out], leg.ends[not out]
            first, leg.seq[out] = leg.seq[out], leg.seq[out] + len(data)
            parts = [(max(0, at - 2), data[max(0, at - 2):at + 7]) for at in range(0, len(data), 7)]
            rows = [tcp(own, other, first + at, leg.seq[not out], 0x18, part) for at, part in parts]
            rows = [row for i in range(0, len(rows), 2) for row in rows[i:i + 2][::-1] + rows[i:i + 1]]
            return rows + [tcp(other, own, leg.seq[not out], leg.seq[out], 0x10)]
        leg = TcpLeg(f"{PHONE}:41000", f"{PEER}:5060")
        rows = [(TIME - 1 + i * 0.01, packet) for i, packet in enumerate(leg.opening())]
        for at, out, text in call(PHONE):
            data = text.replace("/UDP", "/TCP").replace("\n", "\r\n").encode()
            rows += [(TIME + at + i * 0.0002, packet) for i, packet in enumerate(pieces(leg, out, data))]
        document = self.explain(in_order(rows))
        one = self.only(document)
        self.assertEqual((document["inside"], document["messages"], one["verdict"]), ([PHONE], 6, "ok"))
        self.assertFalse([note for note in document["notes"] if "no SIP" in note or "not read" in note], document["notes"])

    def test_tcp_with_a_gap(self):
        """O2: a segment that the capture lacks is named as the reason, not a connection that began before."""
        leg = TcpLeg(f"{PHONE}:41000", f"{PEER}:5060")
        rows = leg.opening()
        for number, (_, out, text) in enumerate(call(PHONE)):
            sent = leg.message(out, text.replace("/UDP", "/TCP"))
            rows += sent[1:] if number == 2 else sent
        notes = self.explain(pcap([(TIME + i * 0.01, framed(p)) for i, p in enumerate(rows)]))["notes"]
        self.assertTrue(any("lacks a segment in the capture" in note for note in notes), notes)
        self.assertFalse(any("began before the capture" in note for note in notes), notes)

    def test_clock_set_back(self):
        """O2: a BYE that seems older than the answer gives no negative duration."""
        rows = packets()
        document = self.explain(pcap([(at - (5000 if number >= 4 else 0), framed(p)) for number, (at, p) in enumerate(rows)]))
        self.assertEqual(self.only(document)["summary"], "answered after 2.0 s, ended by the phone")

    def test_inside_is_said(self):
        """O2: --inside says which hosts are phones, also where the capture suggests others."""
        document = self.explain(pcap([(at, framed(p)) for at, p in packets()]), "--inside", "198.51.100.0/24")
        self.assertEqual(document["inside"], [PEER])
        self.assertIn("--inside 'x': not a network", self.run_explain(b"", "--inside", "x", status=2))


class Files(Explained):
    """Formats of captures, and unreadable frames."""

    def messages(self, content):
        return self.explain(content)["messages"]

    def test_link_layers(self):
        """O2: Ethernet, VLAN, cooked v1 and v2, raw, loopback, in both byte orders and time units."""
        rows = packets()
        for link in (ETHERNET, COOKED, COOKED2, RAW, NULL, LOOP, IPV4):
            for order in "<>":
                with self.subTest(link=link, order=order):
                    frames = [(at, framed(p, link)) for at, p in rows]
                    self.assertEqual(self.messages(pcap(frames, link, order, order == ">")), 6)
                    self.assertEqual(self.messages(pcapng([(*f, 0) for f in frames], [("", link)], order)), 6)
        self.assertEqual(self.messages(pcap([(at, framed(p, vlans=2)) for at, p in rows])), 6)

    def test_ppp(self):
        """O2: PPP with and without address and control, with a compressed protocol, and PPPoE, as pppd and BSD capture them."""
        for link, header in ((9, "ff030021"), (9, "0021"), (9, "21"), (50, "ff030021"), (51, "110000010400" + "0021")):
            with self.subTest(link=link, header=header):
                frames = [(at, bytes.fromhex(header) + p) for at, p in packets()]
                self.assertEqual(self.messages(pcap(frames, link)), 6)
        self.assertEqual(self.messages(pcap([(TIME, b""), (TIME, b"\xff\x03"), (TIME, b"!")], 9)), 0)

    def test_many_unread_frames(self):
        """O2: successive frames that cannot be read for one reason are one line."""
        text = self.run_explain(pcap([(at, p) for at, p in packets()], 999))
        self.assertIn("not read: frames 1 to 6: its link layer is not supported\n", text)

    def test_unusable_files(self):
        """SPEC 1: a directory, and a full disk for the output, end with status 1 and the reason."""
        done = subprocess.run([PROGRAM, "explain", str(self.folder)], capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual((done.returncode, done.stderr), (1, f"sipalgctl: {self.folder}: is a directory\n"))
        path = self.folder / "capture"
        path.write_bytes(in_order(packets()))
        with open("/dev/full", "wb") as full:
            done = subprocess.run([PROGRAM, "explain", str(path)], stdout=full, stderr=subprocess.PIPE, text=True, timeout=60,
                                  check=False)
        self.assertEqual((done.returncode, done.stderr), (1, "sipalgctl: the output cannot be written: No space left on device\n"))

    def test_families_and_fragments(self):
        """O2: messages over IPv6, and in fragments of either family."""
        six = invite("[2001:db8:1::10]").replace("IP4 [2001:db8:1::10]", "IP6 2001:db8:1::10")
        packet6 = udp("[2001:db8:1::10]:5060", "[2001:db8:2::7]:5060", six)
        packet4 = udp(f"{PHONE}:5060", f"{PEER}:5060", invite(PHONE))
        for packet in (packet4, packet6):
            pieces = fragments(packet, 200)
            for order in (pieces, pieces[::-1]):
                found = self.explain(pcap([(TIME, framed(p)) for p in order]))
                self.assertEqual((found["messages"], found["unread"]), (1, []))
            found = self.explain(pcap([(TIME, framed(p)) for p in pieces[1:]]))
            self.assertEqual(found["unread"], [{"frame": 1, "why": "other fragments of its packet are missing"}])

    def test_unread(self):
        """O2: unreadable frames are listed by number, and the rest is read."""
        whole = framed(packets()[0][1])
        cut = pcap([(TIME, whole)])
        cut += __import__("struct").pack("<IIII", TIME, 0, 60, len(whole)) + whole[:60]
        cut += pcap([(TIME, framed(packets()[1][1]))])[24:]
        found = self.explain(cut)
        self.assertEqual(found["unread"], [{"frame": 2, "why": f"only 60 of its {len(whole)} bytes were captured"}])
        self.assertEqual(found["messages"], 2)
        found = self.explain(pcap([(TIME, whole)]) + b"torn")
        self.assertEqual(found["unread"], [{"frame": 0, "why": "after frame 1: the file ends within a frame"}])
        found = self.explain(pcap([(TIME, whole)], link=105))
        self.assertEqual(found["unread"], [{"frame": 1, "why": "its link layer is not supported"}])
        self.assertIn("not a pcap or pcapng file", self.run_explain(b"hello", status=1))
        self.assertIn("No such file", subprocess.run([PROGRAM, "explain", "/nonexistent"], capture_output=True, text=True,
                                                     check=False).stderr)

    def test_damaged(self):
        """O2: captures that are cut or have wrong bytes anywhere end with a message, never with a crash."""
        for content in (pcap([(at, framed(p)) for at, p in packets()]),
                        pcapng([(at, framed(p), 0) for at, p in packets()[:3]], [("lan", ETHERNET)])):
            for at in range(0, len(content), 97):
                for damaged in (content[:at], content[:at] + b"\xff\xff\xff\xff" + content[at + 4:]):
                    path = self.folder / "damaged"
                    path.write_bytes(damaged)
                    done = subprocess.run([PROGRAM, "explain", str(path)], capture_output=True, timeout=30, check=False)
                    self.assertIn(done.returncode, (0, 1), done.stderr)

    def test_terminal_is_safe(self):
        """X9: control bytes from the network do not reach the terminal."""
        text = invite(PHONE, more="Subject: \x1b[2J\n", call_id="a\x1b[2Jb@test")
        shown = self.run_explain(pcap([(TIME, framed(udp(f"{PHONE}:5060", f"{PEER}:5060", text.replace("a\x1b", "a%")))),
                                       (TIME, framed(udp(f"{PHONE}:5060", f"{PEER}:5060", text)))]))
        self.assertNotIn("\x1b", shown)

    @unittest.skipUnless(os.environ.get("SIPALG_CAPTURES"), "SIPALG_CAPTURES names no directory of captures")
    def test_given_captures(self):
        """O2: any capture is explained or refused, as text, JSON and HTML."""
        page = self.folder / "page.html"
        for path in sorted(pathlib.Path(os.environ["SIPALG_CAPTURES"]).iterdir()):
            for arguments in ([], ["--json"], ["--html", str(page)]):
                with self.subTest(path.name, arguments=arguments):
                    done = subprocess.run([PROGRAM, "explain", str(path), *arguments], capture_output=True, timeout=60,
                                          check=False)
                    self.assertIn(done.returncode, (0, 1), done.stderr)


class Pages(Explained):
    """The HTML page."""

    def page(self, content, *arguments):
        path = self.folder / "page.html"
        self.run_explain(content, "--html", str(path), *arguments)
        return path

    def hostile(self):
        rows = packets() + rtp(PHONE, "198.51.100.8", 3, 20)
        attack = '"><script>alert(1)</script><img src=x onerror=alert(2)>'
        text = invite(PHONE, call_id="evil</title><script>alert(3)</script>@test", more=f"Subject: {attack}\nX: ]]>&amp;\x00\n")
        bad = invite(PHONE, call_id="evil&quot;@test", more=f"Subject: {attack}\n").replace("sip:b@", "sip:b<i>&@")
        rows += [(TIME + 20, udp(f"{PHONE}:5060", f"{PEER}:5060", t)) for t in (text, text.replace("\x00", ""), bad)]
        return in_order(rows)

    def test_self_contained(self):
        """O2: one file, no external resource; messages are hostile and stay text."""
        text = self.page(self.hostile()).read_text()
        self.assertEqual(text.count("<script"), 1)
        self.assertNotIn("<img", text)
        self.assertNotRegex(text, r"<[^>]*\s(src|href)\s*=\s*[\"']?[^#\"'\s]")
        self.assertNotIn("@import", text)
        self.assertNotIn("url(", text)
        self.assertIn("&lt;script&gt;alert(1)", text)
        script = re.search(r"<script>(.*?)</script>", text, re.S)[1]
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        self.assertIn(f"script-src 'sha256-{digest}'", text)

    def test_difference_and_anchors(self):
        """O2: each message has its difference; each call has an anchor; pinholes are bars."""
        text = self.page(in_order(packets() + rtp(PHONE, "198.51.100.8", 3, 20))).read_text()
        self.assertIn(f'<del>{PHONE}</del><ins title="c=, rule D1">{ROUTER}</ins>', text)
        self.assertIn('<section id="c1">', text)
        self.assertIn('href="#c1"', text)
        self.assertIn('class="life"', text)
        self.assertTrue('class="seen"' in text, "no packets on the bars")

    def test_credentials(self):
        """X9: a digest response is not in the page."""
        more = 'Authorization: Digest username="a", realm="r", nonce="n", uri="sip:r", response="0123456789abcdef0123456789abcdef"\n'
        text = self.page(pcap([(TIME, framed(udp(f"{PHONE}:5060", f"{PEER}:5060", invite(PHONE, more=more))))])).read_text()
        self.assertNotIn("0123456789abcdef", text)
        self.assertIn("response=&quot;" + "x" * 32, text)

    @unittest.skipUnless(shutil.which("tidy"), "no HTML validator (package tidy)")
    def test_valid(self):
        """O2: the page is valid HTML."""
        done = subprocess.run(["tidy", "-q", "-e", str(self.page(self.hostile()))], capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stderr[:500]), (0, ""))

    @unittest.skipUnless(shutil.which("chromium"), "no headless browser (package chromium)")
    def test_browser(self):
        """O2: no script of a message runs; the search works; 5,000 messages open in under two seconds."""
        ends = (f"{PHONE}:5060", f"{PEER}:5060")
        many = [(TIME + i + at, udp(*(ends if out else ends[::-1]), text.replace("one@test", f"{i}@test")))
                for i in range(834) for at, out, text in call(PHONE)]
        began = time.monotonic()
        path = self.page(in_order(many))
        made = time.monotonic() - began
        page = path.read_text()
        self.assertEqual(page.count("<details>"), 5004)
        # The time is measured by the page itself: starting the browser is not part of it.
        probe = self.folder / "probe.html"
        probe.write_text(page.replace("<head>", "<head><script>var begun=performance.now();</script>", 1)
                         .replace("script-src '", "script-src 'unsafe-inline' 'nothing-", 1)
                         .replace("</body>", "<script>document.body.offsetHeight;document.title='opened '+Math.round("
                                             "performance.now()-begun);</script></body>", 1))
        opened = min(int(re.search(r"<title>opened (\d+)", self.browse(probe))[1]) for _ in range(3))
        print(f"5,000 messages: page made in {made:.1f} s, opened in {opened} ms")
        self.assertLess(opened, 2000)
        self.assertNotIn("alert(1)", self.browse(self.page(self.hostile())).replace("&lt;script&gt;alert(1)", ""))

    def browse(self, path):
        return subprocess.run(["chromium", "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={self.folder}/profile",
                               "--dump-dom", path.as_uri()], capture_output=True, text=True, timeout=120, check=True).stdout


if __name__ == "__main__":
    PROGRAM = os.path.abspath(sys.argv.pop(1))
    unittest.main()
