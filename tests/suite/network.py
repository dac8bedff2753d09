"""The network tests: modules of tests/netns that ctest does not run, each in namespaces of its own."""

import glob
import json
import os
import re
import sys
import tempfile

import program
from program import NICE_NETWORK, ROOT

NETNS = os.path.join(ROOT, "tests", "netns")
AT_A_TIME = 6  # they mostly wait
TIMEOUT = 900
# Longest first, so that none runs alone at the end; modules that are not named are shorter than these.
LONGEST = ("test_timers", "test_silence", "test_dialogs", "test_kill", "test_registrations", "test_tcp_calls",
           "test_tcp_loss", "test_tcp_connection", "test_baresip", "test_ipv6", "test_tcp_kill")


def modules():
    """The names of all modules, the slowest first."""
    names = sorted(os.path.basename(p)[:-3] for p in glob.glob(os.path.join(NETNS, "test_*.py"))
                   if not os.path.basename(p).startswith("test_nft_"))
    return sorted(names, key=lambda n: LONGEST.index(n) if n in LONGEST else len(LONGEST))


def sanitized(module):
    """Whether a module says SANITIZED = True: it runs under sanitizers in every run, not only with --full."""
    with open(os.path.join(NETNS, f"{module}.py")) as file:
        return bool(re.search(r"^SANITIZED = True\b", file.read(), re.MULTILINE))


def run(module, build, piece, outcome):
    """Runs a module with the programs of a build. Returns the names of its failed tests as they are in the outcome."""
    done, record = _run(module, build)
    outcome.step(piece, done)
    if record is None:
        name = f"{piece} (no result, exit {done.status})"
        outcome.fail(name, done.output)
        return [name]
    if os.geteuid() != 0:
        outcome.skip(piece, "needs root to make network namespaces", len(record["names"]))
        return []
    outcome.ok(record["passed"])
    for test, reason in record["skipped"].items():
        outcome.skip(test, reason)
    failed = [f"{piece}: {test}" for test in record["failed"]]
    if failed:
        outcome.fail(failed[0], done.output, failed[1:])
    return failed


def passes_alone(module, build):
    """Runs a module that failed once more, without counting it."""
    _, record = _run(module, build)
    return record is not None and not record["failed"]


def _run(module, build):
    with tempfile.TemporaryDirectory(prefix="sipalg-suite-") as directory:
        path = os.path.join(directory, module)
        argv = [sys.executable, "-B", os.path.join(NETNS, "one.py"), path, module]
        if os.geteuid() != 0:
            argv.insert(3, "--list")
        env = {"SIPALG_BUILD": build.path, "UBSAN_OPTIONS": "print_stacktrace=1"}
        done = program.run(argv, TIMEOUT, env, NICE_NETWORK)
        if not os.path.exists(path):
            return done, None
        with open(path) as file:
            return done, json.load(file)
