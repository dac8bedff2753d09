#!/usr/bin/python3
"""The core is pure: bytes and the time in, a decision out. Checks the undefined symbols of its library.

Usage: purity.py NM LIBRARY. Every undefined symbol of the library must be on the list in this file, so that a new
dependency is noticed at once.
"""
import re
import subprocess
import sys

ALLOWED = (
    (r"mem(cpy|move|cmp|set|chr)|strlen|bcmp", "what compilers make of copies and comparisons"),
    (r"_Zn[wa]\w*|_Zd[la]\w*", "operator new and delete"),
    (r"__cxa_\w+|__gxx_personality_v0|_Unwind_Resume|__dso_handle|_ZTVN10__cxxabiv1\w+", "exceptions, statics"),
    (r"_ZNK?St\w+|_ZSt\w+|_ZT[ISV]N?St\w+", "the standard library, but for what is denied below"),
    (r"__libc_single_threaded|strcmp", "std::shared_ptr: whether counts are atomic, and the type of its deleter"),
    (r"inet_(ntop|pton)", "text of addresses and back: pure"),
    (r"_GLOBAL_OFFSET_TABLE_|__stack_chk_\w+|__tls_get_addr", "code generation"),
    (r"__(asan|ubsan|sanitizer|sancov|msan)_\w+|__start___sancov\w+|__stop___sancov\w+", "sanitizers, fuzzing"),
)
# Mangled names of the standard library that reach outside: clocks, streams, files, threads, chance, environment.
DENIED = re.compile(r"_Z\w*(?:chrono\w*3now|random_device|ostream|istream|ios_base|filebuf|streambuf|filesystem|"
                    r"thread|mutex|condition_variable|future|St4c(?:out|err|log|in)\b|system_error|terminate|locale)")


def symbols(nm: str, library: str) -> tuple[set[str], set[str]]:
    listing = subprocess.run([nm, "--format=posix", library], check=True, capture_output=True, text=True).stdout
    needed, defined = set(), set()
    for line in listing.splitlines():
        fields = line.split()
        if len(fields) < 2 or len(fields[1]) != 1:
            continue
        (needed if fields[1] == "U" else defined).add(fields[0].split("@")[0])
    return needed - defined, defined


def main() -> int:
    needed, defined = symbols(sys.argv[1], sys.argv[2])
    if not any("inspect" in name for name in defined):
        print("no core in", sys.argv[2])
        return 1
    allowed = re.compile("|".join(f"(?:{pattern})" for pattern, _ in ALLOWED))
    refused = sorted(name for name in needed if not allowed.fullmatch(name) or DENIED.search(name))
    for name in refused:
        print("the core must not need", name)
    return 1 if refused else 0


if __name__ == "__main__":
    sys.exit(main())
