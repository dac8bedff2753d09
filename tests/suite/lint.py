"""Checks of the sources: clang-format, clang-tidy, and clang++ for sources that are in no sanitized program."""

import concurrent.futures
import json
import os
import re
import shlex
import time

import program
from program import CORES, ROOT, Done

# The static analyzer takes four fifths of clang-tidy's time (6 seconds a file without it, 30 with it, for a large one):
# it runs with --full, as do all checks where very many files have changed.
WITHOUT_ANALYZER = "--checks=-clang-analyzer-*"
TIDY_LIMIT = 60


def _lines(*argv):
    done = program.run(argv)
    return done.output.splitlines() if done.status == 0 else []


def sources():
    return _lines("git", "ls-files", "--cached", "--others", "--exclude-standard", "*.cpp", "*.hpp")


def changed():
    """Sources that differ from where this branch left origin/main; on main itself, from the commit before."""
    head = _lines("git", "rev-parse", "HEAD")
    base = _lines("git", "merge-base", "origin/main", "HEAD")
    if not base or base == head:
        base = _lines("git", "rev-parse", "--verify", "--quiet", "HEAD~")
    if not base:
        return []
    rows = [row.split("\t") for row in _lines("git", "diff", "--name-status", "-M", base[0], "--", "*.cpp", "*.hpp")]
    files = {row[-1] for row in rows if row[0] not in ("D", "R100")}
    return sorted(files | set(_lines("git", "ls-files", "--others", "--exclude-standard", "*.cpp", "*.hpp")))


def with_sources_of_headers(files, compiled):
    """Replaces each header by a source that includes it: the one of the same name, or the first that includes it."""
    chosen = {f for f in files if f in compiled}
    for header in (f for f in files if f.endswith(".hpp")):
        beside = header[:-3] + "cpp"
        includes = re.compile(rf'#include "(?:{re.escape(header)}|{re.escape(os.path.basename(header))})"')
        chosen.update([beside] if beside in compiled else [f for f in compiled if includes.search(_text(f))][:1])
    return sorted(chosen)


def clang_format(piece, outcome):
    files = sources()
    if files:  # empty without git, for example in a tarball
        outcome.program(piece, program.run(["clang-format", "--dry-run", "--Werror", *files]))


def clang_tidy(piece, build, mode, outcome):
    """One test case: all sources and checks with --full, otherwise the quick checks of those that have changed.

    `build`: it compiles each source by itself, so that a missing #include is an error.
    """
    if not build.configure(outcome):
        return
    compiled = sorted({os.path.relpath(c["file"], ROOT) for c in _commands(build)})
    files = compiled if mode == "full" else with_sources_of_headers(changed(), compiled)
    if mode == "normal" and len(files) > TIDY_LIMIT:
        outcome.say(f"{piece}: {len(files)} files have changed, too many for this run: use --full --only {piece}")
        return
    more = [] if mode == "full" else [WITHOUT_ANALYZER]
    _each(piece, outcome, [["clang-tidy", "-p", build.directory, "--quiet", *more, file] for file in files])


def clang_bench(piece, build, outcome):
    """Compiles the benchmarks, which are not built with sanitizers, by clang++ with the same warnings as g++."""
    argvs = {}
    for command in _commands(build):
        if os.path.relpath(command["file"], ROOT).startswith("tests/bench/"):
            argv = shlex.split(command["command"])
            argvs[command["file"]] = [a for a in argv if os.path.basename(a) != "ccache"] + ["-fsyntax-only"]
    _each(piece, outcome, list(argvs.values()))


def _text(path):
    with open(os.path.join(ROOT, path), errors="replace") as file:
        return file.read()


def _commands(build):
    with open(os.path.join(build.path, "compile_commands.json")) as file:
        return json.load(file)


def _each(piece, outcome, argvs):
    """One test case made of many programs, several at a time."""
    begin = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(CORES) as pool:
        done = list(pool.map(program.run, argvs))
    bad = [d.output for d in done if d.status != 0]
    outcome.program(piece, Done(1 if bad else 0, "\n".join(bad), time.monotonic() - begin, sum(d.cpu for d in done)))
