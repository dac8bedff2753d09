"""Instructions of the benchmarks' batches, as callgrind counts them; the same on every run."""

import collections
import os
import re
import subprocess

# The frames around the measured code.
STARTER = re.compile(r"^main$|below main|libc_start|^0x|::replay_batch\(")


def count(argv, directory):
    """Runs a program under callgrind that calls replay_batch() and then note_batch() for every batch. The dumps
    of the batches, in their order."""
    out = os.path.join(directory, "callgrind.out")
    # The dumps alternate: first the code before a batch, then the batch.
    subprocess.run(["valgrind", "--tool=callgrind", "--quiet", "--dump-before=*replay_batch*",
                    "--dump-before=*note_batch*", f"--callgrind-out-file={out}", *argv],
                   check=True, stdout=subprocess.DEVNULL)
    dumps = sum(re.fullmatch(r"callgrind\.out\.\d+", name) is not None for name in os.listdir(directory))
    return [f"{out}.{number}" for number in range(2, dumps + 1, 2)]


def total(dump):
    with open(dump) as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith("totals:"))


def hottest(dump, top, inclusive):
    """The functions with most instructions, their callees' included or not, as (instructions, name)."""
    # callgrind_annotate cannot be used: it counts the frames below a partial dump as its whole cost.
    names, costs = {}, collections.Counter()
    function, of_callee = None, False
    with open(dump) as lines:
        for line in lines:
            if line.startswith("calls="):
                of_callee = True
            elif match := re.match(r"c?fn=\((\d+)\)(?: (.*))?", line):
                names[match[1]] = match[2] or names[match[1]]
                if line.startswith("fn="):
                    function = match[1]
            elif function and line[0] in "+-*0123456789":
                if inclusive or not of_callee:
                    costs[function] += int(line.split()[1])
                of_callee = False
    for function in [f for f, name in names.items() if STARTER.search(name)]:
        del costs[function]
    return [(instructions, names[function]) for function, instructions in costs.most_common(top)]
