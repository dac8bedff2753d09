#!/usr/bin/python3
"""The stream of facts: `sipalgctl watch` and `record`, as a file and as HEP (SPEC 9)."""

import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import unittest

from labtest import PHONE1, PROVIDER, ROUTER_WAN, LabTest, main, wait_for
from lab import program

SECRET = "5ec4e7c0ffee5ec4e7c0ffee5ec4e700"


def hep_chunks(datagram):
    """{type: bytes} of a HEPv3 datagram, read as its specification says."""
    assert datagram[:4] == b"HEP3" and struct.unpack("!H", datagram[4:6])[0] == len(datagram), datagram[:8]
    chunks, at = {}, 6
    while at < len(datagram):
        vendor, kind, length = struct.unpack("!HHH", datagram[at:at + 6])
        assert vendor == 0 and length >= 6 and at + length <= len(datagram), (at, vendor, kind, length)
        chunks[kind] = datagram[at + 6:at + length]
        at += length
    return chunks


class Stream(LabTest):
    """The facts that readers of the stream receive."""

    def follow(self, *arguments):
        """Starts sipalgctl in the background and waits until the daemon knows it as a reader, so that it gets all later
        facts."""
        process = subprocess.Popen([program("sipalgctl"), "--control", self.lab.control, *arguments],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        self.assert_reader(process)
        return process

    def assert_reader(self, process):
        """The process has blocked its signals: the daemon has answered, or is about to."""
        def ready():
            self.assertIsNone(process.poll(), "it has ended")
            with open(f"/proc/{process.pid}/status", encoding="ascii") as status:
                blocked = next(int(line.split()[1], 16) for line in status if line.startswith("SigBlk"))
            return blocked & 1 << (signal.SIGTERM - 1)
        wait_for(ready, 5, "a reader")
        self.lab.ctl("status")  # the daemon takes requests in order

    def ask(self, request):
        """The daemon's document for a request that no command of sipalgctl makes."""
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(20)
            client.connect(self.lab.control)
            client.sendall(json.dumps(request).encode() + b"\n")
            return json.loads(client.makefile().read())

    def end(self, process):
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=10)
        self.assertEqual(process.returncode, 0, err)
        return out, err

    def talk(self):
        """A call with a REGISTER that has credentials before; returns it when it has ended."""
        phone, peer = self.phone(), self.peer()
        phone.request("REGISTER", phone.dialog("phone1", (PROVIDER, 5060)), more=[
            ("Authorization", f'Digest username="phone1", response="{SECRET}"')])
        peer.reply(peer.hear("REGISTER"), 200)
        phone.hear(200)
        call = self.call_out(phone, peer)
        call.hang_up()
        self.assert_closed(call)
        return call

    def test_watch(self):
        """O8: watch --json prints a line for each message with its changes, each pinhole, each event."""
        watching = self.follow("--json", "watch")
        call = self.talk()
        lines = [json.loads(line) for line in self.end(watching)[0].splitlines()]
        of_call = [line for line in lines if line.get("call_id") == call.id]
        messages = [line for line in of_call if line["type"] == "message"]
        self.assertEqual([m["title"] for m in messages[:2]], ["INVITE", "180 Ringing"])
        invite = messages[0]
        self.assertEqual((invite["from"], invite["phone"], invite["peer"], invite["public"], invite["reason"]),
                         ("inside", f"{PHONE1}:5060", f"{PROVIDER}:5060", f"{ROUTER_WAN}:5060", "rewritten"))
        self.assertIn({"place": "Contact", "rule": "S3", "old": PHONE1, "new": ROUTER_WAN}, invite["changes"])
        self.assertNotIn("before", invite)
        pinholes = [(line["what"], line["media"]) for line in of_call if line["type"] == "pinhole"]
        self.assertIn(("opened", "audio"), pinholes)
        self.assertIn(("closed", "audio"), pinholes)
        events = [line["event"] for line in lines if line["type"] == "event" and line["subject"] == call.id]
        self.assertEqual(events, ["call_offered", "call_answered", "call_ended"])
        self.assertNotIn(SECRET, json.dumps(lines))

    def test_events_and_newest_rows(self):
        """O1: what `watch` on a terminal reads: a stream of events alone, and the newest calls."""
        with socket.socket(socket.AF_UNIX) as reader:
            reader.settimeout(20)
            reader.connect(self.lab.control)
            reader.sendall(b'{"command":"watch","events":true}\n')
            lines = reader.makefile()
            self.assertEqual(json.loads(lines.readline())["type"], "begin")
            phone, peer = self.phone(), self.peer()
            calls = [self.call_out(phone, peer, 40000 + 4 * i, 30000 + 4 * i) for i in range(3)]
            for call in calls:
                for name in ("call_offered", "call_answered"):
                    event = json.loads(lines.readline())
                    self.assertEqual((event["type"], event["event"], event["subject"]), ("event", name, call.id))
        newest = self.ask({"command": "calls", "most": 2})
        self.assertEqual((newest["total"], [row["call_id"] for row in newest["rows"]]), (3, [calls[2].id, calls[1].id]))
        self.assertEqual(newest["rows"][0], self.lab.ctl("calls")[2])
        for call in calls:
            call.hang_up()
            self.assert_closed(call)
        ended = self.ask({"command": "calls", "ended": True, "most": 1})
        self.assertEqual((ended["total"], [row["call_id"] for row in ended["rows"]]), (3, [calls[2].id]))
        self.assertEqual(self.ask({"command": "bindings", "most": 5}), {"total": 0, "rows": []})

    def test_record(self):
        """O8, X9: record writes a capture that tshark and explain read; digest responses are masked."""
        path = os.path.join(self.lab.directory, "record.pcapng")
        recording = self.follow("record", path)
        call = self.talk()
        self.assertIn("messages recorded", self.end(recording)[1])
        done = subprocess.run(["tshark", "-r", path, "-T", "fields", "-e", "frame.interface_name", "-e", "ip.src", "-e", "sip.Method",
                               "-e", "sip.Call-ID", "-e", "frame.comment", "-e", "_ws.malformed", "-e", "udp.checksum.status",
                               "-o", "udp.check_checksum:TRUE"],
                              capture_output=True, text=True, timeout=60, check=True)
        rows = [line.split("\t") for line in done.stdout.splitlines()]
        invites = [row[:4] for row in rows if row[2] == "INVITE"]
        self.assertEqual(invites, [["inside", PHONE1, "INVITE", call.id], ["outside", ROUTER_WAN, "INVITE", call.id]])
        self.assertEqual({(row[5], row[6]) for row in rows}, {("", "1")})
        comments = "\n".join(row[4] for row in rows)
        for text in (f"Contact: {PHONE1} => {ROUTER_WAN} (S3)", "pinhole opened: audio", "pinhole closed: audio", "call_ended"):
            self.assertIn(text, comments)
        with open(path, "rb") as file:
            content = file.read()
        self.assertNotIn(SECRET.encode(), content)
        self.assertIn(b'response="' + b"x" * 32, content)
        explained = json.loads(self.lab.ctl_run("--json", "explain", path).stdout)
        self.assertEqual((explained["inside"], explained["outside"], explained["unread"]), ([PHONE1], ROUTER_WAN, []))
        of_call = [c for c in explained["conversations"] if c["call_id"] == call.id]
        self.assertEqual([c["verdict"] for c in of_call], ["ok"], of_call)

    def test_selection(self):
        """O8: --call, --phone, --seconds and --with-credentials."""
        path = os.path.join(self.lab.directory, "some.pcapng")
        recording = self.follow("record", path, "--phone", "192.168.1.99", "--seconds", "600")
        secret = self.follow("record", path + ".secret", "--with-credentials")
        self.talk()
        self.assertIn("0 messages recorded", self.end(recording)[1])
        self.end(secret)
        with open(path + ".secret", "rb") as file:
            self.assertIn(SECRET.encode(), file.read())
        self.assertEqual(os.stat(path).st_mode & 0o777, 0o600)
        done = self.lab.ctl_run("record", path, "--phone", "x")
        self.assertEqual(done.returncode, 1)
        self.assertIn("not an address", done.stderr)
        self.assertEqual(self.lab.ctl_run("record", path, "--seconds", "1").returncode, 0)

    def test_groups(self):
        """X9: recording is for the admin group; watching is for the control group as well."""
        self.lab.stop_daemon()
        self.lab.start_daemon("--control-group", "daemon", "--admin-group", "adm")
        os.chmod(self.lab.directory, 0o755)

        def as_group(group, *argv):
            return subprocess.run(["setpriv", "--reuid", "65533", "--regid", group, "--clear-groups", program("sipalgctl"),
                                   "--control", self.lab.control, *argv, "--seconds", "1"], capture_output=True, text=True,
                                  timeout=20, check=False)
        refused = as_group("daemon", "record", "/dev/null")
        self.assertEqual(refused.returncode, 1)
        self.assertIn("permission denied", refused.stderr)
        for group, *argv in (("daemon", "watch"), ("adm", "watch"), ("adm", "record", "/dev/null")):
            done = as_group(group, *argv)
            self.assertEqual(done.returncode, 0, done.stderr)

    def test_hep(self):
        """O8: record --hep sends each message before and after, with the Call-ID as correlation."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as collector:
            collector.bind(("127.0.0.1", 0))
            collector.settimeout(5)
            recording = self.follow("record", "--hep", f"127.0.0.1:{collector.getsockname()[1]}")
            call = self.talk()
            self.end(recording)
            found = []
            collector.setblocking(False)
            try:
                while True:
                    found.append(hep_chunks(collector.recv(65535)))
            except BlockingIOError:
                pass
        invites = [c for c in found if c[15].startswith(b"INVITE")]
        self.assertEqual([(c[12][-1], socket.inet_ntoa(c[3]), socket.inet_ntoa(c[4])) for c in invites],
                         [(1, PHONE1, PROVIDER), (2, ROUTER_WAN, PROVIDER)])
        for chunks in invites:
            self.assertEqual(chunks[17].decode(), call.id)
            self.assertEqual((chunks[1], chunks[2], chunks[11]), (b"\x02", b"\x11", b"\x01"))
            self.assertEqual(struct.unpack("!HH", chunks[7] + chunks[8]), (5060, 5060))
        self.assertNotIn(SECRET.encode(), b"".join(c[15] for c in found))

    @unittest.skipUnless(shutil.which("sngrep"), "no sngrep")
    def test_sngrep(self):
        """O8: sngrep shows the call that HEP brings."""
        path = os.path.join(self.lab.directory, "sngrep.pcap")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        sngrep = subprocess.Popen(["sngrep", "-N", "-q", "-L", f"udp:127.0.0.1:{port}", "-O", path], stdin=subprocess.DEVNULL,
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(sngrep.wait)
        self.addCleanup(sngrep.kill)

        def listening():
            with open("/proc/net/udp", encoding="ascii") as table:
                return any(f":{port:04X} " in line for line in table)
        wait_for(listening, 10, "sngrep to listen")
        recording = self.follow("record", "--hep", f"127.0.0.1:{port}")
        call = self.talk()
        self.end(recording)

        def shown():
            done = subprocess.run(["tshark", "-r", path, "-T", "fields", "-e", "sip.Call-ID"], capture_output=True, text=True,
                                  timeout=60, check=False)
            return call.id in done.stdout
        wait_for(shown, 15, "sngrep to write the call")

    def test_slow_reader(self):
        """X7: a reader that does not read loses facts without effect on the rest; more readers than the limit are
        refused."""
        with socket.socket(socket.AF_UNIX) as slow:
            slow.connect(self.lab.control)
            slow.sendall(b'{"command":"watch","bytes":true}\n')
            self.assertIn(b'"begin"', slow.recv(4096))
            others = []
            for _ in range(7):
                others.append(self.follow("--json", "watch"))
            refused = self.lab.ctl_run("watch", "--seconds", "1")
            self.assertEqual(refused.returncode, 1)
            self.assertIn("too many clients of watch and record", refused.stderr)
            self.talk()
            for other in others:
                self.assertIn("INVITE", self.end(other)[0])
        self.assertEqual(self.lab.ctl_run("watch", "--seconds", "1").returncode, 0)

    def test_debug_lines(self):
        """O4: a debug line names method, both ends, Call-ID, reason and changes."""
        call = self.talk()
        self.assertRegex(self.lab.daemon.output(), rf"INVITE udp {PHONE1}:5060 -> {PROVIDER}:5060, Call-ID {call.id}: rewritten; "
                                                   rf".*Contact {PHONE1} => {ROUTER_WAN} \(S3\)")
        self.assertNotIn(SECRET, self.lab.daemon.output())


if __name__ == "__main__":
    main()
