"""Time limits of tests: longer on a loaded machine, so that a failure there is a fault of the product."""

import os
import time

# The result of measure() on an idle machine with two cores. A machine that is slower by itself counts as loaded.
IDLE_S = 0.004
MOST = 10.0


def measure():
    """The seconds of a small job: it starts a few programs and computes a little."""
    begin = time.monotonic()
    for _ in range(3):
        os.waitpid(os.posix_spawn("/bin/true", ["true"], {}), 0)
    sum(range(200_000))
    return time.monotonic() - begin


def slowness():
    """How many times slower than an idle machine this one is now: from 1 to MOST. SIPALG_SLOWNESS sets it for tests."""
    told = os.environ.get("SIPALG_SLOWNESS")
    if told:
        return min(MOST, max(1.0, float(told)))
    load = os.getloadavg()[0] / (os.cpu_count() or 1)
    return min(MOST, max(1.0, load, measure() / IDLE_S))


def told_slowness():
    """The same without a measurement, for limits that only keep a test from hanging."""
    return max(1.0, float(os.environ.get("SIPALG_SLOWNESS") or 1))


class Limit:
    """A time limit that begins now. An exact limit is never extended: it is for promises, and for checks that nothing
    arrives.

    Any other limit is extended when it is reached, by the slowness of the machine, which is measured only then.
    """

    def __init__(self, seconds, exact=False):
        self._begin, self._seconds, self._factor = time.monotonic(), seconds, 1.0
        self._exact = exact

    def left(self):
        """Seconds that are left; 0 when it is over."""
        left = self._remaining()
        if left <= 0 and not self._exact and self._factor < MOST:
            self._factor = max(self._factor, slowness())
            left = self._remaining()
        return max(0.0, left)

    def over(self):
        return not self.left()

    def _remaining(self):
        return self._begin + self._seconds * self._factor - time.monotonic()

    def __str__(self):
        stretched = f" (stretched from {self._seconds:g} s)" if self._factor > 1 else ""
        return f"{self._seconds * self._factor:.3g} s{stretched}"
