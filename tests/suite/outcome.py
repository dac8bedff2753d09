"""Counts test cases, and prints at the end the failed ones and the slowest steps."""

import re
import threading
import time

SLOWEST = 20
SHOWN = 20000  # characters of a failed program's output


def cases_of(output):
    """(passed, failed, skipped) test cases from the summary of doctest or unittest; None for other programs."""
    doctest = re.search(r"test cases: *\d+ *\| *(\d+) passed *\| *(\d+) failed", output)
    if doctest:
        return int(doctest.group(1)), int(doctest.group(2)), 0
    ran = re.search(r"^Ran (\d+) tests? in .*\n\n(?:OK|FAILED)(?: \((.*)\))?$", output, re.MULTILINE)
    if not ran:
        return None
    words = dict(re.findall(r"(\w+)=(\d+)", ran.group(2) or ""))
    failed = int(words.get("failures", 0)) + int(words.get("errors", 0))
    skipped = int(words.get("skipped", 0))
    return max(0, int(ran.group(1)) - failed - skipped), failed, skipped


class Outcome:
    """Filled by several threads."""

    def __init__(self):
        self.passed, self.failed, self.skipped = 0, [], 0
        self._unstable = []
        self._steps = []  # (wall, cpu, name)
        self._lock = threading.Lock()
        self._begin = time.monotonic()

    def say(self, text):
        print(f"[{time.monotonic() - self._begin:5.0f} s] {text}", flush=True)

    def step(self, name, done):
        """Notes the time of a step, for the table."""
        with self._lock:
            self._steps.append((done.wall, done.cpu, name))
        if done.wall >= 5:
            self.say(f"{name}: exit {done.status} after {done.wall:.0f} s")

    def ok(self, count=1):
        with self._lock:
            self.passed += count

    def fail(self, name, output="", more=()):
        """Counts a failed test case, and others of the same program."""
        with self._lock:
            self.failed += [name, *more]
        print(f"\n===== FAILED: {name}\n{output[-SHOWN:].rstrip()}\n=====", flush=True)

    def excuse(self, names, reason):
        """Counts failed test cases as passed, and names them at the end."""
        with self._lock:
            self.failed = [name for name in self.failed if name not in names]
            self._unstable += [f"{name} ({reason})" for name in names]
            self.passed += len(names)

    def skip(self, name, reason, count=1):
        with self._lock:
            self.skipped += count
        print(f"skipped: {name}: {reason}", flush=True)

    def program(self, name, done, skip_status=None):
        """A program that is one test case, or that prints how many it has."""
        self.step(name, done)
        counts = cases_of(done.output)
        lines = done.output.strip().splitlines()
        if counts:
            passed, failed, skipped = counts
            self.ok(passed)
            if skipped:
                self.skip(name, "skipped by the program", skipped)
            if failed or done.status != 0:
                self.fail(name, done.output, [name] * (failed - 1))
        elif done.status == skip_status:
            self.skip(name, lines[-1] if lines else "skipped by the program")
        elif done.status == 0:
            self.ok()
        else:
            self.fail(name, done.output)
        return done.status == 0

    def finish(self):
        """Prints table and totals; returns the exit status of the run."""
        wall = time.monotonic() - self._begin
        print(f"\nThe slowest of {len(self._steps)} steps, which took {sum(s[1] for s in self._steps) / 60:.1f} minutes "
              f"of processor time; the run took {wall / 60:.1f} minutes\n   wall s    cpu s")
        for step_wall, cpu, name in sorted(self._steps, reverse=True)[:SLOWEST]:
            print(f"{step_wall:9.1f}{cpu:9.1f}  {name}")
        for name in self._unstable:
            print(f"UNSTABLE: {name}")
        for name in self.failed:
            print(f"FAILED: {name}")
        nothing = not self.passed and not self.failed
        print(f"{self.passed} passed, {len(self.failed)} failed" + (f", {self.skipped} skipped" if self.skipped else ""))
        return 1 if self.failed or nothing else 0
