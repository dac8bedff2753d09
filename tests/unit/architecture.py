#!/usr/bin/python3
"""Checks the sources against the documents that describe them.

Usage: architecture.py SOURCE-DIRECTORY. Includes between folders go down only, by the table of rooms in
alg/README.md; the table and the folders agree, and CMake builds the core from the table's core rooms. Every rule that
a comment or a case names is in man/sipalg-rules.7, and every rule there is named by the code that keeps it, unless
the page says that it is not kept yet.
"""
import pathlib
import re
import sys

# (room, included room): includes that break the table and will be removed. Must become empty.
LAST_CORE_ROOM = "core"
ROW = re.compile(r"^\| `([a-z/_]+)` \| .* \| ([^|]+) \|$")
RULE = re.compile(r"^\.It Sy (?:\\&)?([ACDNOPSTX][1-9][0-9]?)$", re.MULTILINE)
# A comment names rules in brackets: (S3), (RFC 3264, C2). A case names them behind "case:".
CITED = re.compile(r"\(([^()]*)\)|^case: (.*)$", re.MULTILINE)
RULE_NAME = re.compile(r"(?<![\w*])[ACDNOPSTX][1-9][0-9]?(?!\w)")
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"')


def rooms_of(readme: str) -> dict[str, set[str]]:
    """Each room, lowest first, with the rooms that it may include."""
    rooms: dict[str, set[str]] = {}
    for row in filter(None, map(ROW.match, readme.splitlines())):
        name, allowed = row[1], row[2].strip()
        names = {"below": set(rooms), "nothing": set()}.get(allowed)
        rooms[name] = names if names is not None else {part.strip() for part in allowed.split(",")}
    return rooms


def room_of(path: pathlib.PurePath) -> str:
    """The room of a source file, by its path below the source directory."""
    folder = path.parent.as_posix()
    return folder.removeprefix("alg/")


def faults(root: pathlib.Path) -> list[str]:
    rooms = rooms_of((root / "alg/README.md").read_text())
    found = [f"alg/README.md: {room} may include {name}, which has no row before it"
             for i, room in enumerate(rooms) for name in sorted(rooms[room] - set(list(rooms)[:i]))]
    sources = [p.relative_to(root) for top in ("alg", "nft") for p in sorted((root / top).rglob("*.[ch]pp"))]
    for path in sources:
        room = room_of(path)
        if room not in rooms:
            found.append(f"{path}: the folder has no row in alg/README.md")
            continue
        for number, line in enumerate((root / path).read_text().splitlines(), 1):
            include = INCLUDE.match(line)
            if not include:
                continue
            target = room_of(pathlib.PurePath(include[1]))
            if not include[1].startswith(("alg/", "nft/")):
                found.append(f"{path}:{number}: {include[1]} is not written from the top of the tree")
            elif target != room and target not in rooms[room]:
                found.append(f"{path}:{number}: {room} may not include {target}")
    inhabited = {room_of(path) for path in sources}
    found += [f"alg/README.md: {room} has no sources" for room in rooms if room not in inhabited]
    names = list(rooms)
    core = names[:names.index(LAST_CORE_ROOM) + 1] if LAST_CORE_ROOM in names else []
    built = re.search(r"set\(core_rooms ([^)]*)\)", (root / "CMakeLists.txt").read_text())
    if not built or built[1].split() != core:
        found.append("CMakeLists.txt: core_rooms is not the list of core rooms in alg/README.md: " + " ".join(core))
    return found


def rule_faults(root: pathlib.Path) -> list[str]:
    page = (root / "man/sipalg-rules.7").read_text()
    parts = RULE.split(page)
    entries = dict(zip(parts[1::2], parts[2::2]))
    found = []
    code = [p for top, pattern in (("alg", "*.[ch]pp"), ("nft", "*.[ch]pp"), ("nft", "*.nft"), ("packaging", "*.service"))
            for p in (root / top).rglob(pattern)] + [root / "CMakeLists.txt"]
    for path in code + sorted((root / "tests/cases").glob("*.case")):
        for cited in CITED.finditer(path.read_text(errors="replace")):
            text = cited[1] if cited[1] is not None else cited[2]
            found += [f"{path.relative_to(root)}: names the rule {name}, which is not in man/sipalg-rules.7"
                      for name in RULE_NAME.findall(text) if name not in entries]
    named = set(RULE_NAME.findall("\n".join(path.read_text(errors="replace") for path in code)))
    found += [f"man/sipalg-rules.7: no source names the rule {name}" for name, text in entries.items()
              if name not in named and ".Em Not yet" not in text]
    return found


def main() -> int:
    root = pathlib.Path(sys.argv[1])
    found = faults(root) + rule_faults(root)
    print("\n".join(found) if found else "the sources agree with alg/README.md and man/sipalg-rules.7")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
