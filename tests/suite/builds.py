"""The two builds: plain (g++, as installed by users) and sanitize (clang++ with AddressSanitizer and UBSan)."""

import json
import os
import re
import shutil

import program
from program import CORES, NICE_BUILD, ROOT


class Build:
    """A build directory, and its ctest tests."""

    def __init__(self, name, directory, options, targets, wanted):
        """`targets`: the targets to build; None: all. `wanted`: decides by the labels of a test whether it is run."""
        self.name, self.directory = name, directory
        self.path = os.path.join(ROOT, directory)
        self._options, self._targets, self._wanted = options, targets, wanted
        self._built_tests = {}  # by name

    def configure(self, outcome):
        """Returns whether it succeeded; a failure is counted. Prepares the list of tests."""
        self._forget_other_compiler()
        launcher = "ccache" if shutil.which("ccache") else ""
        done = program.run(["cmake", "-S", ".", "-B", self.directory, "-DBUILD_TESTING=ON",
                            f"-DCMAKE_CXX_COMPILER_LAUNCHER={launcher}", *self._options], nice=NICE_BUILD)
        outcome.step(f"{self.name}: configure", done)
        if done.status != 0:
            outcome.fail(f"{self.name}: configure", done.output)
        return done.status == 0

    def build(self, outcome):
        """Returns whether it succeeded; one test case."""
        argv = ["cmake", "--build", self.directory, "-j", str(CORES)]
        if self._targets:
            argv += ["--target", *self._targets]
        # ccache's manual requires these options for precompiled headers, whose time stamps do not matter here.
        env = {"CCACHE_SLOPPINESS": "pch_defines,time_macros,include_file_mtime,include_file_ctime",
               "CCACHE_BASEDIR": ROOT, "CCACHE_NOHASHDIR": "1"}
        built = outcome.program(f"{self.name}: build", program.run(argv, 3600, env, NICE_BUILD, os.killpg))
        self._built_tests = {test["name"]: test for test in self.tests()}
        return built

    def tests(self):
        """ctest's description of each test that this build runs; it has the commands of those that are built."""
        listing = program.run(["ctest", "--test-dir", self.directory, "--show-only=json-v1"])
        tests = json.loads(listing.output)["tests"] if listing.status == 0 else []
        for test in tests:
            test["properties"] = {p["name"]: p["value"] for p in test.get("properties", [])}
        return [test for test in tests if self._wanted(set(test["properties"].get("LABELS", [])))]

    def run_test(self, name, piece, outcome):
        """Runs one of tests(), named `piece` in the outcome."""
        test = self._built_tests[name]
        properties = test["properties"]
        env = {"UBSAN_OPTIONS": "print_stacktrace=1"}
        env.update(e.split("=", 1) for e in properties.get("ENVIRONMENT", []))
        done = program.run(test["command"], max(900, properties.get("TIMEOUT", 0)), env)
        outcome.program(piece, done, properties.get("SKIP_RETURN_CODE"))

    def _forget_other_compiler(self):
        """CMake loses options when a build directory is configured again with another compiler."""
        wanted = [o.split("=")[1] for o in self._options if o.startswith("-DCMAKE_CXX_COMPILER=")]
        cache = os.path.join(self.path, "CMakeCache.txt")
        if not wanted or not os.path.exists(cache):
            return
        with open(cache) as file:
            lines = [line.rstrip() for line in file if line.startswith("CMAKE_CXX_COMPILER:")]
        if not any(re.search(rf"[=/]{re.escape(wanted[0])}$", line) for line in lines):
            shutil.rmtree(self.path)


PLAIN = ["-DCMAKE_BUILD_TYPE=RelWithDebInfo", "-DSANITIZE=OFF", "-DWERROR=ON",
         # -g1: the code is the same as for users, but full debug information would take a tenth of the build time.
         "-DCMAKE_CXX_FLAGS_RELWITHDEBINFO=-O2 -g1 -DNDEBUG"]
SANITIZE = ["-DCMAKE_CXX_COMPILER=clang++", "-DCMAKE_BUILD_TYPE=None", "-DCMAKE_CXX_FLAGS=-g1", "-DSANITIZE=ON",
            "-DWERROR=ON", "-DPCH=ON"]


def builds(mode):
    """The builds of a run: mode is "normal", "quick" or "full"."""
    # Half of a build's time is spent on headers, so they are precompiled and read once for the sources of a folder.
    # --quick and --full compile each source by itself; otherwise clang-tidy notices a missing #include in those that
    # have changed.
    alone = ["-DPCH=OFF", "-DUNITY=OFF"]
    together = ["-DPCH=ON", "-DUNITY=ON"]
    if mode == "quick":
        return [Build("plain", "build", [*PLAIN, *alone], None, lambda labels: True)]
    if mode == "full":
        return [Build("plain", "build", [*PLAIN, *alone], None, lambda labels: True),
                Build("sanitize", "build-sanitize", [*SANITIZE, "-DUNITY=OFF"], ["all", "plain"], lambda labels: True)]
    return [Build("plain", "build", [*PLAIN, *together], ["plain"], lambda labels: labels & {"plain", "network"}),
            Build("sanitize", "build-sanitize", [*SANITIZE, "-DUNITY=ON"], None, lambda labels: "plain" not in labels)]


def separate():
    """A build that is only configured: the command that compiles each source by itself, without precompiled headers."""
    return Build("separate", "build-separate", [*PLAIN, "-DPCH=OFF", "-DUNITY=OFF"], None, lambda labels: False)
