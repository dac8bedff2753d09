#!/usr/bin/python3
"""Includes between folders go down only: checks them against the table of rooms in alg/README.md.

Usage: architecture.py SOURCE-DIRECTORY. Also checks that the table and the folders agree, and that CMake builds the
core from the rooms that the table gives it.
"""
import pathlib
import re
import sys

# (room, included room): includes that break the table and are about to go. Must become empty.
KNOWN_EXCEPTIONS = {
    ("tcp", "core"),
    ("daemon/config", "daemon/run"),
    ("daemon/control", "daemon/run"),
}
LAST_CORE_ROOM = "core"
ROW = re.compile(r"^\| `([a-z/_]+)` \| .* \| ([^|]+) \|$")
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


def faults(root: pathlib.Path, known: set[tuple[str, str]]) -> list[str]:
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
            elif target != room and target not in rooms[room] and (room, target) not in known:
                found.append(f"{path}:{number}: {room} may not include {target}")
    inhabited = {room_of(path) for path in sources}
    found += [f"alg/README.md: {room} has no sources" for room in rooms if room not in inhabited]
    names = list(rooms)
    core = names[:names.index(LAST_CORE_ROOM) + 1] if LAST_CORE_ROOM in names else []
    built = re.search(r"set\(core_rooms ([^)]*)\)", (root / "CMakeLists.txt").read_text())
    if not built or built[1].split() != core:
        found.append("CMakeLists.txt: core_rooms is not the list of core rooms in alg/README.md: " + " ".join(core))
    return found


def main() -> int:
    root = pathlib.Path(sys.argv[1])
    found = faults(root, KNOWN_EXCEPTIONS)
    print("\n".join(found) if found else "includes follow alg/README.md")
    for room, target in sorted(KNOWN_EXCEPTIONS):
        print(f"known exception: {room} includes {target}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
