"""sipalgctl on a terminal and with daemons that do not answer: a socket of the test plays sipalgd."""

import fcntl
import json
import os
import pty
import re
import select
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time
import unittest

PROGRAM = os.path.abspath(sys.argv.pop(1))
COMPLETION = os.path.join(os.path.dirname(__file__), "../../packaging/completion")

CALL = {"call_id": "a84b4c76e66710f0b1d4c2@192.168.1.10", "state": "confirmed", "direction": "out", "from": "sip:alice@p.test",
        "to": "sip:+4930123456789@provider.example.com", "phone": "192.168.1.10", "peer": "198.51.100.7",
        "started": "2026-01-02T03:04:05Z", "treatment": "rewritten", "observed": False,
        "media": [{"type": "audio", "state": "open", "silent": "peer"}]}
ENDED = {**CALL, "call_id": "ended@x", "state": "ended", "answered": "2026-01-02T03:04:05Z", "ended": "2026-01-02T03:05:05Z",
         "duration_s": 60, "reason": "bye", "why": "BYE", "media_from": "both", "media": []}
BINDING = {"proto": "udp", "public": "203.0.113.1:5060", "inside": "192.168.1.10:5060", "aor": "sip:alice@p.test",
           "registrar": "198.51.100.7", "expires_s": 3599, "treatment": "rewritten", "observed": False}


class Daemon:
    """Answers each request with a document; `answers` of None never answers."""

    def __init__(self, calls=(CALL,), answers=True):
        self.directory = tempfile.mkdtemp()
        self.path = os.path.join(self.directory, "control.sock")
        self.calls, self.answers, self.rewritten = list(calls), answers, 0
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen(16)
        self.held, self.requests = [], []
        self.readers = None  # of events, if it has a stream of them
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            if not self.answers:
                self.held.append(client)
                continue
            request = json.loads(client.makefile().readline())
            self.requests.append(request)
            if request["command"] == "watch" and self.readers is not None:
                client.sendall(b'{"type":"begin"}\n')
                self.readers.append(client)
                self.held.append(client)
                continue
            client.sendall(json.dumps(self.document(request)).encode())
            client.close()

    def document(self, request):
        if request["command"] == "status":
            self.rewritten += 10
            return {"serving": True, "warnings": ["media are not counted"], "calls": len(self.calls), "bindings": 1, "pinholes": 2,
                    "counters": {"rewritten": self.rewritten}, "version": "9.9", "queue_overflows": 0,
                    "calls_ended": {"bye": 3}, "latency": {"sum_us": 70, "buckets": [{"up_to_us": 50, "packets": 1},
                                                                                      {"up_to_us": None, "packets": 0}]}}
        if request["command"] == "calls":
            rows = [ENDED] if request.get("ended") else self.calls
            return {"total": len(rows), "rows": rows[:request["most"]]} if "most" in request else rows
        if request["command"] == "limits":
            return [{"name": "calls", "limit": 100, "in_use": 1, "behaviour": "-"}]
        return [BINDING]

    def lists(self):
        """The requests for lists of calls so far."""
        return [r for r in self.requests if r["command"] == "calls" and not r.get("ended")]

    def close(self):
        self.listener.close()
        for client in self.held:
            client.close()
        shutil.rmtree(self.directory)


class Screen:
    """sipalgctl on a pseudo terminal, and what its page shows."""

    def __init__(self, *arguments, rows=24, columns=80):
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
            os.execv(PROGRAM, [PROGRAM, *arguments])
        self.rows, self.columns, self.bytes = rows, columns, b""

    def read(self, wanted, within=20):
        """Waits until the output contains `wanted`."""
        end = time.monotonic() + within
        while wanted not in self.bytes and time.monotonic() < end:
            if select.select([self.terminal], [], [], 0.2)[0]:
                try:
                    self.bytes += os.read(self.terminal, 65536)
                except OSError:  # the program has ended
                    break
        return wanted in self.bytes

    def pages(self):
        """The pages so far, each a list of lines without control sequences; the last may be incomplete."""
        text = self.bytes.decode().replace("\x1b[K", "").replace("\x1b[J", "\0")
        return [re.sub(r"\x1b\[[?0-9]*[a-zA-Z]", "", page).split("\r\n") for page in text.split("\0")[:-1]]

    def end(self):
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


class Watch(unittest.TestCase):
    def setUp(self):
        self.daemon = Daemon()
        self.addCleanup(self.daemon.close)

    def test_the_page_fits_the_terminal_and_q_leaves(self):
        """O1: watch shows calls, registrations, rates and warnings in place; q quits, and the terminal is as before."""
        screen = Screen("--control", self.daemon.path, "watch")
        self.assertTrue(screen.read(b"messages/s"), screen.bytes)
        os.write(screen.terminal, b"q")
        self.assertTrue(screen.read(b"\x1b[?1049l"), screen.bytes)
        self.assertEqual(screen.end(), 0)
        page = screen.pages()[-1]
        self.assertLessEqual(len(page), 24)
        self.assertLessEqual(max(map(len, page)), 80)
        text = "\n".join(page)
        for part in ("serving; 1 warning ", "(q quits)", "1 call, 1 registration, 2 pinholes; ", "warning: media are not counted",
                     "confirmed  out  192.168.1.10", "peer silent", "both ways", "alice@p.test", "59m59s"):
            self.assertIn(part, text)
        self.assertNotRegex(screen.bytes, rb"\x1b\[[0-9;]*m")  # no colour

    def test_many_calls_on_a_small_terminal(self):
        """O1: a list that does not fit says how much is missing."""
        self.daemon.calls = [{**CALL, "call_id": f"{i}@x"} for i in range(100)]
        screen = Screen("--control", self.daemon.path, "watch", rows=16, columns=60)
        time.sleep(0.2)
        self.assertTrue(screen.read(b"messages/s"), screen.bytes)
        os.write(screen.terminal, b"q")
        screen.read(b"\x1b[?1049l")
        page = screen.pages()[-1]
        self.assertLessEqual(len(page), 16)
        self.assertLessEqual(max(map(len, page)), 60)
        self.assertRegex("\n".join(page), r"… \d+ more")
        screen.end()

    def test_lists_are_read_after_events(self):
        """P5: the lists of a large site are not read each second, but after an event, and no more rows than fit."""
        begun, self.daemon.readers = time.monotonic(), []
        self.daemon.calls = [{**CALL, "call_id": f"{i}@x"} for i in range(1000)]
        screen = Screen("--control", self.daemon.path, "watch", rows=30)
        self.assertTrue(screen.read(b"messages/s"), screen.bytes)
        self.assertIn(f"… {1000 - 18} more", "\n".join(screen.pages()[-1]))
        self.assertEqual(self.daemon.lists(), [{"command": "calls", "most": 30}])
        self.assertIn({"command": "watch", "events": True}, self.daemon.requests)
        pages = len(screen.pages())
        while len(screen.pages()) < pages + 2:  # a page each second, for the rates
            screen.read(b"no such text", within=0.2)
        self.assertLessEqual(len(self.daemon.lists()), 1 + (time.monotonic() - begun) // 5)
        before = len(self.daemon.lists())
        self.daemon.calls = [{**CALL, "state": "closing"}]
        self.daemon.readers[0].sendall(b'{"type":"event","event":"call_ended"}\n' * 50)
        self.assertTrue(screen.read(b"closing"), screen.bytes)
        self.assertGreater(len(self.daemon.lists()), before)
        os.write(screen.terminal, b"q")
        self.assertEqual((screen.read(b"\x1b[?1049l"), screen.end()), (True, 0))

    def test_a_daemon_that_goes_away_is_named(self):
        screen = Screen("--control", self.daemon.path, "watch")
        self.assertTrue(screen.read(b"confirmed"), screen.bytes)
        os.unlink(self.daemon.path)
        self.assertTrue(screen.read(b"no sipalgd is serving"), screen.bytes)
        os.write(screen.terminal, b"q")
        self.assertEqual((screen.read(b"\x1b[?1049l"), screen.end()), (True, 0))

    def test_a_signal_restores_the_terminal(self):
        screen = Screen("--control", self.daemon.path, "watch")
        self.assertTrue(screen.read(b"confirmed"), screen.bytes)
        os.kill(screen.pid, 15)
        self.assertEqual((screen.read(b"\x1b[?1049l"), screen.end()), (True, 0))


class Lists(unittest.TestCase):
    def test_lists_fit_the_terminal(self):
        """O1: 80 columns on a terminal; whole rows in a pipe and with --wide."""
        daemon = Daemon()
        self.addCleanup(daemon.close)
        screen = Screen("--control", daemon.path, "calls")
        screen.read(b"no such text", within=20)
        screen.end()
        rows = screen.bytes.decode().split("\r\n")
        self.assertLessEqual(max(map(len, rows)), 80)
        self.assertIn("a84b4c", rows[1])
        for columns in (60, 40, 20):
            screen = Screen("--control", daemon.path, "calls", columns=columns)
            screen.read(b"no such text", within=20)
            screen.end()
            self.assertLessEqual(max(map(len, screen.bytes.decode().split("\r\n"))), columns)
        piped = subprocess.run([PROGRAM, "--control", daemon.path, "calls", "--phone", "192.168.1.10"], capture_output=True, text=True,
                               timeout=20, check=True).stdout
        self.assertIn("a84b4c76e66710f0b1d4c2@192.168.1.10\n", piped)
        other = subprocess.run([PROGRAM, "--control", daemon.path, "calls", "--phone", "192.168.1.11"], capture_output=True, text=True,
                               timeout=20, check=True).stdout
        self.assertEqual(other, "no calls\n")


class Errors(unittest.TestCase):
    def test_a_daemon_that_hangs_is_named_after_three_seconds(self):
        daemon = Daemon(answers=False)
        self.addCleanup(daemon.close)
        for command in (["calls"], ["watch"]):
            begun = time.monotonic()
            result = subprocess.run([PROGRAM, "--control", daemon.path, *command], capture_output=True, text=True, timeout=60, check=False)
            self.assertEqual(result.returncode, 1)
            self.assertIn("did not answer within 3 s", result.stderr)
            self.assertGreater(time.monotonic() - begun, 2.5)

    def test_a_bad_hep_target_is_bad_usage(self):
        for target in ("nowhere", "127.0.0.1:99999", "127.0.0.1:0", "127.0.0.1:", ":9060", "127.0.0.1:9x", ""):
            result = subprocess.run([PROGRAM, "record", "--hep", target, "--seconds", "1"], capture_output=True, text=True, timeout=60,
                                    check=False)
            self.assertEqual(result.returncode, 2, result.stderr)
            self.assertTrue(result.stderr.strip())

    @unittest.skipUnless(os.geteuid() == 0, "needs another user")
    def test_without_permission_the_group_is_named(self):
        daemon = Daemon()
        self.addCleanup(daemon.close)
        os.chmod(daemon.directory, 0o755)
        os.chown(daemon.path, 0, 4)
        os.chmod(daemon.path, 0o660)
        result = subprocess.run([PROGRAM, "--control", daemon.path, "calls"], capture_output=True, text=True, timeout=60, check=False,
                                user=65534, group=65534, extra_groups=[])
        self.assertEqual(result.returncode, 1)
        self.assertIn("permission denied; run as root or as a member of the group adm (", result.stderr)


class Metrics(unittest.TestCase):
    @unittest.skipUnless(shutil.which("promtool"), "promtool (Debian: prometheus) is not there")
    def test_promtool_finds_nothing(self):
        """O6: Prometheus' own tool accepts names, units and help of the text format."""
        daemon = Daemon()
        self.addCleanup(daemon.close)
        text = subprocess.run([PROGRAM, "--control", daemon.path, "metrics", "--prometheus"], capture_output=True, text=True, timeout=20,
                              check=True).stdout
        self.assertIn("sipalg_verdict_seconds_bucket", text)
        check = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual((check.returncode, check.stderr), (0, ""), text)

    def test_the_dashboard_uses_metrics_that_exist(self):
        daemon = Daemon()
        self.addCleanup(daemon.close)
        text = subprocess.run([PROGRAM, "--control", daemon.path, "metrics", "--prometheus"], capture_output=True, text=True, timeout=20,
                              check=True).stdout
        known = set(re.findall(r"^(sipalg_\w+)", text, re.M)) | {"sipalg_queue_packets", "sipalg_queue_dropped_packets_total"}
        with open(os.path.join(COMPLETION, "../monitoring/grafana-sipalg.json"), encoding="utf-8") as file:
            dashboard = json.load(file)
        used = {name for panel in dashboard["panels"] for target in panel["targets"] for name in re.findall(r"sipalg_\w+", target["expr"])}
        self.assertGreater(len(used), 10)
        self.assertEqual(used - known, set())


class Completion(unittest.TestCase):
    """The files know every command and option of `help`."""

    def setUp(self):
        self.help = subprocess.run([PROGRAM, "help"], capture_output=True, text=True, timeout=20, check=True).stdout
        self.commands = re.findall(r"^  ([a-z]+)", self.help.split("Options:")[0], re.M)
        self.options = re.findall(r"^  .*?(--[a-z-]+)", self.help.split("Options:")[1], re.M)

    def test_files_have_all_commands_and_options(self):
        self.assertIn("status", self.commands)
        self.assertIn("--with-credentials", self.options)
        for name in ("sipalgctl.bash", "_sipalgctl"):
            with open(os.path.join(COMPLETION, name), encoding="utf-8") as file:
                text = file.read()
            for word in self.commands + self.options:
                self.assertRegex(text, rf"(?<![a-z-]){word}\b", name)

    def complete(self, *words):
        script = (f"source {COMPLETION}/sipalgctl.bash; COMP_WORDS=(sipalgctl {' '.join(words)}); "
                  f"COMP_CWORD={len(words)}; _sipalgctl; printf '%s\\n' \"${{COMPREPLY[@]}}\"")
        return subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=20, check=True).stdout.split()

    def test_bash_completes_commands_options_and_call_ids(self):
        self.assertEqual(self.complete("ca"), ["calls", "call"])
        self.assertEqual(self.complete("calls", "--e"), ["--ended"])
        self.assertEqual(self.complete("help", "lim"), ["limits"])
        daemon = Daemon()
        self.addCleanup(daemon.close)
        directory = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, directory)
        os.symlink(PROGRAM, os.path.join(directory, "sipalgctl"))
        os.environ["PATH"] = directory + ":" + os.environ["PATH"]
        self.assertEqual(self.complete("--control", daemon.path, "close", "a8"), ["a84b4c76e66710f0b1d4c2@192.168.1.10"])


if __name__ == "__main__":
    unittest.main()
