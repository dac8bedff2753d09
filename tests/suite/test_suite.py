#!/usr/bin/python3
"""The suite counts correctly: a test that fails, hangs or is skipped is never reported as passed."""

import contextlib
import io
import pathlib
import sys
import time
import unittest
from unittest import mock

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import lint  # noqa: E402 (needs the path above)
import network  # noqa: E402
import outcome  # noqa: E402
import plan  # noqa: E402
import program  # noqa: E402
import schedule  # noqa: E402

DOCTEST = "[doctest] test cases: 5 | 3 passed | 2 failed | 0 skipped\n"
UNITTEST = "Ran 4 tests in 0.1s\n\nFAILED (failures=1, skipped=1)\n"


def shell(script, **how):
    return program.run(["sh", "-c", script], **how)


class Counting(unittest.TestCase):
    def setUp(self):
        self.outcome = outcome.Outcome()

    def quietly(self, call, *arguments):
        with contextlib.redirect_stdout(io.StringIO()) as said:
            result = call(*arguments)
        return result, said.getvalue()

    def counts(self, *done):
        for one in done:
            self.quietly(self.outcome.program, "x", one, 77)
        return self.outcome.passed, len(self.outcome.failed), self.outcome.skipped

    def test_a_program_that_counts_its_test_cases(self):
        self.assertEqual(self.counts(program.Done(1, DOCTEST, 0, 0)), (3, 2, 0))

    def test_unittest(self):
        self.assertEqual(self.counts(program.Done(1, UNITTEST, 0, 0)), (2, 1, 1))

    def test_a_crash_after_the_count_is_a_failure(self):
        self.assertEqual(self.counts(program.Done(-11, DOCTEST.replace("2 failed", "0 failed"), 0, 0))[1], 1)

    def test_a_program_without_a_count(self):
        self.assertEqual(self.counts(shell("exit 0"), shell("exit 3"), shell("echo no root; exit 77")), (1, 1, 1))

    def test_last_line_and_exit_status(self):
        self.counts(shell("exit 0"))
        status, said = self.quietly(self.outcome.finish)
        self.assertEqual((status, said.splitlines()[-1]), (0, "1 passed, 0 failed"))
        self.counts(shell("exit 1"))
        status, said = self.quietly(self.outcome.finish)
        self.assertEqual((status, said.splitlines()[-1]), (1, "1 passed, 1 failed"))

    def test_nothing_run_is_a_failure(self):
        self.assertEqual(self.quietly(self.outcome.finish)[0], 1)

    def test_a_network_test_that_passes_alone_three_times_is_unstable(self):
        def failing(module):
            def run():
                self.outcome.fail(f"plain/{module}: x")
                return [f"plain/{module}: x"]
            return plan.Piece(f"plain/{module}", None, run, True, module)
        alone = {"test_a": [True, True, True], "test_b": [False], "test_c": [True, True, False]}
        with mock.patch.object(network, "passes_alone", lambda module, build: alone[module].pop(0)):
            self.quietly(schedule.run, [failing(module) for module in alone], [], self.outcome)
        self.assertEqual(sorted(self.outcome.failed), ["plain/test_b: x", "plain/test_c: x"])
        self.assertEqual(self.outcome.passed, 1)
        said = self.quietly(self.outcome.finish)[1]
        self.assertIn("UNSTABLE: plain/test_a: x (failed under load, passed alone three times)\n", said)
        self.assertEqual(said.splitlines()[-1], "1 passed, 2 failed")

    def test_a_piece_that_raises_has_failed(self):
        def run():
            raise KeyError("x")
        self.quietly(schedule.run, [plan.Piece("broken", None, run)], [], self.outcome)
        self.assertEqual(self.outcome.failed, ["broken"])

    def test_the_table_begins_with_the_slowest(self):
        self.outcome.step("short", program.Done(0, "", 1, 1))
        self.outcome.step("long", program.Done(0, "", 2, 1))
        said = self.quietly(self.outcome.finish)[1]
        self.assertLess(said.index("long"), said.index("short"))


class Running(unittest.TestCase):
    def test_a_program_that_hangs_is_ended(self):
        begin = time.monotonic()
        done = shell("echo begun; exec sleep 60", timeout=0.5)
        self.assertEqual(done.status, 124)
        self.assertIn("begun", done.output)
        self.assertLess(time.monotonic() - begin, 30)

    def test_processor_time(self):
        self.assertGreater(program.run([sys.executable, "-c", "sum(range(10**7))"]).cpu, 0.02)

    def test_killed_by_a_signal(self):
        self.assertEqual(shell("kill -KILL $$").status, -9)


class Pieces(unittest.TestCase):
    def test_names(self):
        piece = plan.Piece("sanitize/test_kill", None, print)
        for pattern in "sanitize", "test_kill", "sanitize/test_kill", "*kill":
            self.assertTrue(piece.is_named([pattern]), pattern)
        for pattern in "plain", "test", "kill", "plain/test_kill":
            self.assertFalse(piece.is_named([pattern]), pattern)

    def test_network_modules(self):
        modules = network.modules()
        self.assertNotIn("test_nft_admin", modules, "ctest runs it")
        self.assertTrue(any(network.sanitized(m) for m in modules))
        self.assertFalse(all(network.sanitized(m) for m in modules))

    def test_a_header_is_checked_by_a_source_that_includes_it(self):
        texts = {"a/x.cpp": '#include "a/x.hpp"', "a/y.cpp": '#include "a/only.hpp"', "a/z.cpp": ""}
        with mock.patch.object(lint, "_text", texts.get):
            self.assertEqual(lint.with_sources_of_headers(["a/x.hpp", "a/only.hpp", "a/none.hpp"], sorted(texts)),
                             ["a/x.cpp", "a/y.cpp"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
