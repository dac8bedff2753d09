#!/usr/bin/python3
"""Files that -DUNITY=ON compiles together keep their meaning: no local function of one is an overload for another.

A function in an unnamed namespace may not have the name of a local function of another file in the same folder, nor of
a function that a header declares in the same or an enclosing namespace, unless its file is in `unity_alone`
(CMakeLists.txt). The compiler itself refuses other names that meet.
"""

import collections
import pathlib
import re
import sys

PARTS = ("alg", "nft", "tests/cases", "tests/model", "tests/stream", "tests/fixtures", "tests/unit")
FUNCTION = re.compile(r"^(?!template|namespace|static_assert|using|return|#|\}|\s)[^\n;{=]*?[\w>&*\]] [&*]?(\w+)\(", re.M)


def namespace(text):
    found = re.search(r"^namespace ([\w:]+) \{", text, re.M)
    return found[1] if found else ""


def encloses(outer, inner):
    return outer == inner or inner.startswith(outer + "::")


def functions(text):
    return set(FUNCTION.findall(re.sub(r"//.*", "", text)))


def local_functions(text):
    found = set()
    for part in re.findall(r"^namespace \{$(.*?)^\}  // namespace$", text, re.S | re.M):
        found |= functions(part)
    return found


def main():
    root = pathlib.Path(sys.argv[1])
    alone = set(re.search(r"set\(unity_alone(.*?)\)", (root / "CMakeLists.txt").read_text(), re.S)[1].split())
    missing = [name for name in alone if not (root / name).exists()]
    faults = [f"unity_alone: {name} does not exist" for name in missing]
    declared = collections.defaultdict(list)  # name: (header, namespace)
    local = collections.defaultdict(list)     # (folder, name): files
    for part in PARTS:
        for path in sorted((root / part).rglob("*.[ch]pp")):
            name, text = str(path.relative_to(root)), path.read_text()
            if path.suffix == ".hpp":
                for function in functions(text):
                    declared[function].append((name, namespace(text)))
            elif name not in alone and str(path.parent.relative_to(root)) not in alone:
                for function in local_functions(text):
                    local[str(path.parent.relative_to(root)), function].append((name, namespace(text)))
    for (folder, function), files in sorted(local.items()):
        # A test's names are declared for that test alone.
        headers = [header for header, space in declared[function]
                   if encloses(space, files[0][1]) and (not header.startswith("tests/") or header.startswith(folder))]
        if len(files) > 1 or headers:
            faults.append(f"{function}() in {', '.join([f for f, _ in files] + headers)}: rename it, or add the source "
                          "to unity_alone in CMakeLists.txt")
    print("\n".join(faults) or "no local function is an overload for another file")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
