#!/usr/bin/python3
"""Every complaint of README.md has a network test that names it."""

import ast
import pathlib
import re
import unittest

HERE = pathlib.Path(__file__).resolve().parent


def named():
    """Numbers that docstrings of tests name, with the tests."""
    found = {}
    for path in sorted(HERE.glob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                for numbers in re.findall(r"CHECKLIST ([0-9]+)", ast.get_docstring(node) or ""):
                    found.setdefault(int(numbers), []).append(f"{path.stem}.{node.name}")
    return found


class Checklist(unittest.TestCase):
    def test_every_complaint(self):
        """No row without a test, and no number without a row."""
        rows = {int(n) for n in re.findall(r"^\| ([0-9]+) \|", (HERE / "README.md").read_text(), re.M)}
        self.assertTrue(rows)
        tests = named()
        self.assertEqual(sorted(rows - tests.keys()), [], "rows that no test names")
        self.assertEqual(sorted(tests.keys() - rows), [], "numbers that have no row")


if __name__ == "__main__":
    unittest.main(verbosity=2)
