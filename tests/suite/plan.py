"""The pieces of a run, which --only can name."""

import dataclasses
import fnmatch
import os
import typing

import builds
import lint
import network
import program
from program import ROOT

# Programs that take longest, to be started first.
LONGEST = ("call_model", "streams", "unit_core", "fuzz_corpus_inspect", "fuzz_corpus_stream", "cases")


@dataclasses.dataclass
class Piece:
    """Something that can be run alone with --only. `name` is "BUILD/TEST", or a linter's name."""
    name: str
    build: builds.Build | None
    run: typing.Callable[[], object]  # for a network module: returns the names of its failed tests
    waits: bool = False               # it mostly waits, so many can run at the same time
    module: str = ""                  # of a network test

    def is_named(self, patterns):
        """Whether a pattern is its name, or the part before or after the slash."""
        build, _, test = self.name.rpartition("/")
        return any(fnmatch.fnmatch(word, p) for p in patterns for word in (self.name, build, test))


def pieces(made, mode, outcome):
    """All pieces of a run with these builds, in the order in which they begin. `mode`: see builds.py."""
    if not made:
        return []
    tests = [piece for build in made for piece in _pieces_of(build, mode, outcome)]
    return [*_linters(made, mode, outcome), *tests, *(_systems(made, outcome) if mode == "full" else ())]


def select(pieces_, patterns):
    """The pieces that match a pattern; all without patterns."""
    return [piece for piece in pieces_ if not patterns or piece.is_named(patterns)]


def _pieces_of(build, mode, outcome):
    """Network modules and tests of ctest that run on this build, the longest first."""
    found = []
    for module in network.modules():
        if build.name == "plain" or mode == "full" or network.sanitized(module):
            name = f"{build.name}/{module}"
            found.append(Piece(name, build, lambda m=module, n=name: network.run(m, build, n, outcome), True, module))
    if build.name == "plain":
        found.append(Piece("plain/demonstration", build, lambda: _demonstrate(build, outcome), True))
        if mode == "full":
            found.append(Piece("plain/vm", build, lambda: _in_machine(build, outcome), True))
    tests = [test["name"] for test in build.tests()]
    if not tests:
        outcome.fail(f"{build.name}: ctest knows no tests")
    for test in sorted(tests, key=lambda t: LONGEST.index(t) if t in LONGEST else len(LONGEST)):
        name = f"{build.name}/{test}"
        waits = test.startswith("test_nft_") or test == "bench_smoke"
        found.append(Piece(name, build, lambda t=test, n=name: build.run_test(t, n, outcome), waits))
    return found


def _demonstrate(build, outcome):
    if os.geteuid() != 0:
        outcome.skip("plain/demonstration", "needs root to make network namespaces")
        return
    done = program.run([os.path.join(ROOT, "packaging/demo/call")], env={"SIPALG_BUILD": build.path},
                       nice=program.NICE_NETWORK)
    outcome.program("plain/demonstration", done)


def _in_machine(build, outcome):
    """Network tests that need one of Debian's kernels."""
    done = program.run([os.path.join(ROOT, "tests/platform/vm/run")], 2400, {"SIPALG_BUILD": build.path},
                       program.NICE_NETWORK)
    outcome.program("plain/vm", done, 77)


def _systems(made, outcome):
    """The package in clean Debian systems, and arm64; with the last build, so that they begin at the end."""
    for suite, part in ("bookworm", "package"), ("trixie", "package"), ("bookworm", "arm64"):
        name = f"debian/{suite}-{part}"
        yield Piece(name, made[-1], lambda n=name, s=suite, p=part: _in_system(n, s, p, outcome))


def _in_system(name, suite, part, outcome):
    argv = [os.path.join(ROOT, "tests/platform/debian/run"), "--quick", "--suite", suite, part]
    outcome.program(name, program.run(argv, 3600, nice=program.NICE_BUILD), 77)


def _linters(made, mode, outcome):
    """With the last build, so that the files they read are complete."""
    last = made[-1]
    yield Piece("clang-format", None, lambda: lint.clang_format("clang-format", outcome))
    yield Piece("clang-tidy", last, lambda: lint.clang_tidy("clang-tidy", builds.separate(), mode, outcome))
    if mode == "normal":
        yield Piece("clang-bench", last, lambda: lint.clang_bench("clang-bench", last, outcome))
