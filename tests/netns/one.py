#!/usr/bin/python3
"""Runs test modules of this directory and writes the result of each test as JSON.

usage: one.py [--list] RESULT-FILE MODULE...
"""

import json
import os
import sys
import unittest


class Result(unittest.TextTestResult):
    """Records each test once, whatever the results of its sub-tests."""

    def __init__(self, *args, **more):
        super().__init__(*args, **more)
        self.failed, self.skips = set(), {}

    def addError(self, test, err):
        super().addError(test, err)
        self.failed.add(test.id())

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.failed.add(test.id())

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            self.failed.add(test.id())

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.skips[test.id()] = reason


def tests_in(suite):
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from tests_in(test)
        else:
            yield test.id()


def main(argv):
    only_list = argv[:1] == ["--list"]
    path, *modules = argv[1:] if only_list else argv
    os.chdir(os.path.dirname(os.path.abspath(__file__)))
    suite = unittest.TestLoader().loadTestsFromNames(modules)
    names = list(tests_in(suite))
    record = {"names": names, "failed": [], "skipped": {}}
    if not only_list:
        result = unittest.TextTestRunner(verbosity=2, resultclass=Result).run(suite)
        # A class that cannot be set up fails or skips under a name of its own.
        record.update(failed=sorted(result.failed), skipped=result.skips)
        record["passed"] = max(0, result.testsRun - len(result.failed & set(names)) - len(result.skips))
    with open(path, "w") as file:
        json.dump(record, file)
    return 1 if record["failed"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
