#!/usr/bin/python3
"""Builds everything, runs every test, and ends with the line "N passed, N failed". Called by tests/run."""

import argparse
import concurrent.futures
import glob
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
NETNS = os.path.join(ROOT, "tests", "netns")
CORES = str(os.cpu_count() or 2)


def cases_of(output):
    """(passed, failed, skipped) test cases from the last words of doctest or unittest; None for other programs."""
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


class Suite:
    """Counts test cases and keeps what has to be said at the end."""

    def __init__(self):
        self.passed, self.failed, self.skipped = 0, [], {}
        self._children = set()
        self._begin = time.monotonic()
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda n, _: sys.exit(128 + n))

    def say(self, text):
        print(f"[{time.monotonic() - self._begin:5.0f} s] {text}", flush=True)

    def run(self, argv, timeout=900, env=None):
        """(exit status, output). A program that takes too long is ended and has status 124."""
        child = subprocess.Popen(argv, cwd=ROOT, text=True, errors="replace", stdout=subprocess.PIPE,
                                 stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, start_new_session=True,
                                 env={**os.environ, **(env or {})})
        self._children.add(child)
        try:
            output, _ = child.communicate(timeout=timeout)
            return child.returncode, output
        except subprocess.TimeoutExpired:
            child.terminate()
            output, _ = child.communicate()
            return 124, f"{output}\n(ended after {timeout} s)"
        finally:
            self._children.discard(child)

    def end_children(self):
        """After Ctrl-C: every program is asked to clean up and awaited."""
        for child in list(self._children):
            child.terminate()
        for child in list(self._children):
            child.wait()

    def fail(self, name, output=""):
        self.failed.append(name)
        print(f"\n===== FAILED: {name}\n{output.rstrip()}\n=====", flush=True)

    def case(self, name, argv, **how):
        """A program that is one test case."""
        status, output = self.run(argv, **how)
        if status == 0:
            self.passed += 1
        else:
            self.fail(name, output[-20000:])
        return status == 0

    # Steps --------------------------------------------------------------------------------------------------

    def build(self, directory, *options):
        self.say(f"building in {directory}/")
        return (self.case(f"configure {directory}", ["cmake", "-S", ".", "-B", directory, "-DBUILD_TESTING=ON", *options])
                and self.case(f"build {directory}", ["cmake", "--build", directory, "-j", CORES], timeout=1800))

    def unit(self, directory):
        """Every program that ctest knows, counted by its test cases where it says how many."""
        status, listing = self.run(["ctest", "--test-dir", directory, "--show-only=json-v1"])
        tests = json.loads(listing)["tests"] if status == 0 else []
        if not tests:
            self.fail(f"{directory}: ctest knows no tests", listing)
        for test in tests:
            name = f"{directory}: {test['name']}"
            properties = {p["name"]: p["value"] for p in test.get("properties", [])}
            env = dict(e.split("=", 1) for e in properties.get("ENVIRONMENT", []))
            status, output = self.run(test["command"], properties.get("TIMEOUT", 600), env)
            counts = cases_of(output)
            if counts:
                passed, failed, skipped = counts
                self.passed += passed
                if skipped:
                    self.skip(skipped, f"{test['name']} said so", name)
                if failed or status != 0:
                    self.fail(name, output[-20000:])
                    self.failed += [name] * (failed - 1)
            elif status == properties.get("SKIP_RETURN_CODE", -1):
                self.skip(1, output.strip().splitlines()[-1] if output.strip() else "it said so", name)
            elif status == 0:
                self.passed += 1
            else:
                self.fail(name, output[-20000:])
        self.say(f"{directory}: {len(tests)} programs done")

    def skip(self, count, reason, name):
        self.skipped[reason] = self.skipped.get(reason, 0) + count
        print(f"skipped: {name}: {reason}", flush=True)

    def network(self, directory):
        """The modules of tests/netns that ctest does not run, two at a time: each has its own namespaces."""
        modules = sorted(os.path.basename(p)[:-3] for p in glob.glob(os.path.join(NETNS, "test_*.py"))
                         if not os.path.basename(p).startswith("test_nft_"))
        with tempfile.TemporaryDirectory(prefix="sipalg-suite-") as results, \
                concurrent.futures.ThreadPoolExecutor(2) as pool:
            def run(module):
                path = os.path.join(results, module)
                argv = [sys.executable, os.path.join(NETNS, "one.py"), path, module]
                if os.geteuid() != 0:
                    argv.insert(2, "--list")
                status, output = self.run(argv, 300, {"SIPALG_BUILD": os.path.join(ROOT, directory)})
                if not os.path.exists(path):
                    return status, output, None
                with open(path) as file:
                    return status, output, json.load(file)
            try:
                for module, (status, output, record) in zip(modules, pool.map(run, modules)):
                    self.count(f"{directory}: {module}", status, output, record)
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                self.end_children()
                raise
        self.say(f"{directory}: {len(modules)} modules of network tests done")

    def count(self, name, status, output, record):
        if record is None:
            self.fail(f"{name} (no result, exit {status})", output[-20000:])
        elif os.geteuid() != 0:
            self.skip(len(record["names"]), "needs root to make network namespaces", name)
        else:
            self.passed += record["passed"]
            self.failed += [f"{name}: {test}" for test in record["failed"]]
            for test, reason in record["skipped"].items():
                self.skip(1, reason, test)
            if record["failed"]:
                print(output, flush=True)

    def sources(self):
        status, listing = self.run(["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.cpp", "*.hpp"])
        return listing.split() if status == 0 else []

    def clang(self, directory):
        """clang++ takes every source with the very warnings that g++ is given."""
        self.say("compiling with clang++")
        with open(os.path.join(ROOT, directory, "compile_commands.json")) as file:
            commands = json.load(file)

        def compile_one(command):
            argv = shlex.split(command["command"])
            return command["file"], *self.run(["clang++", "-fsyntax-only", *argv[1:]])
        with concurrent.futures.ThreadPoolExecutor(int(CORES)) as pool:
            bad = [(file, output) for file, status, output in pool.map(compile_one, commands) if status != 0]
        if bad:
            self.fail("clang++ compiles everything", "\n".join(output for _, output in bad)[-20000:])
        else:
            self.passed += 1

    def finish(self):
        for name in self.failed:
            print(f"FAILED: {name}")
        nothing = not self.passed and not self.failed
        skipped = sum(self.skipped.values())
        print(f"{self.passed} passed, {len(self.failed)} failed" + (f", {skipped} skipped" if skipped else ""))
        return 1 if self.failed or nothing else 0


def main():
    parser = argparse.ArgumentParser(description="All tests of sipalg.")
    parser.add_argument("--quick", action="store_true", help="without the second round with sanitizers")
    quick = parser.parse_args().quick
    suite = Suite()
    try:
        if suite.build("build", "-DCMAKE_BUILD_TYPE=RelWithDebInfo", "-DSANITIZE=OFF"):
            suite.unit("build")
            suite.network("build")
            if os.geteuid() == 0:
                suite.case("demonstration", [os.path.join(ROOT, "packaging/demo/call")], timeout=300)
            else:
                suite.skip(1, "needs root to make network namespaces", "demonstration")
            suite.clang("build")
        sources = suite.sources()
        if sources:
            suite.case("clang-format", ["clang-format", "--dry-run", "--Werror", *sources])
        if not quick and suite.build(
                "build-sanitize", "-DCMAKE_BUILD_TYPE=None", "-DCMAKE_CXX_FLAGS=-O1 -g1", "-DSANITIZE=ON"):
            suite.unit("build-sanitize")
            suite.network("build-sanitize")
    except (KeyboardInterrupt, SystemExit):
        suite.end_children()
        suite.fail("interrupted")
    return suite.finish()


if __name__ == "__main__":
    sys.exit(main())
