#!/usr/bin/python3
"""Builds everything, runs every test, and ends with the line "N passed, N failed[, N skipped]". Called by tests/run."""

import argparse
import signal
import sys

import builds
import plan
import schedule
from outcome import Outcome

DESCRIPTION = "All tests of sipalg, in less than 15 minutes on two cores."
EPILOG = """A plain build (g++) makes the programs; the network tests, the benchmarks' smoke test, and what counts
allocations or looks for data races run on it. All other tests run in a build by clang++ with sanitizers, and so do the
network tests of TCP, restart and renumbering. clang-format reads all sources, clang-tidy those that have changed."""


def parse_arguments():
    parser = argparse.ArgumentParser(prog="tests/run", description=DESCRIPTION, epilog=EPILOG)
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--quick", action="store_true", help="one build without sanitizers, all tests on it")
    how.add_argument("--full", action="store_true",
                     help="all tests in both builds, clang-tidy on all sources; takes three times as long")
    parser.add_argument("--only", action="append", metavar="PIECE",
                        help="only this, by its name, the part before or after the slash, or a pattern; may be repeated")
    parser.add_argument("--list", action="store_true", help="print the names of all pieces")
    return parser.parse_args()


def main():
    arguments = parse_arguments()
    mode = "quick" if arguments.quick else "full" if arguments.full else "normal"
    outcome = Outcome()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda n, _: sys.exit(128 + n))
    try:
        made = [build for build in builds.builds(mode) if build.configure(outcome)]
        pieces = plan.select(plan.pieces(made, mode, outcome), arguments.only)
        if arguments.list:
            print(*sorted(piece.name for piece in pieces), sep="\n")
            return 0
        if not pieces and not outcome.failed:
            outcome.fail(f"no piece has the name {' or '.join(arguments.only)} (tests/run --list)")
        schedule.run(pieces, made, outcome)
    except (KeyboardInterrupt, SystemExit):
        outcome.fail("interrupted")
    return outcome.finish()


if __name__ == "__main__":
    sys.exit(main())
