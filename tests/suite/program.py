"""Runs the programs of the suite, and returns their output, exit status and times."""

import dataclasses
import os
import select
import signal
import subprocess
import tempfile
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CORES = os.cpu_count() or 2
NICE_BUILD, NICE_WORK, NICE_NETWORK = 10, 5, 0  # network tests wait for packets, so they have priority

_running = {}  # pid: os.kill or os.killpg
_lock = threading.Lock()


@dataclasses.dataclass
class Done:
    """A program that has ended. `wall` and `cpu` are seconds; `cpu` includes the children that it waited for."""
    status: int
    output: str
    wall: float
    cpu: float


def run(argv, timeout=900, env=None, nice=NICE_WORK, kill=os.kill):
    """Runs a program to its end. A program that takes longer than `timeout` seconds is ended and gets status 124.

    `kill` sends the signal for that: os.kill to the program alone, which then ends its own ones in order, or os.killpg
    to all of its process group (cmake does not hand a signal to its make).
    """
    begin = time.monotonic()
    with tempfile.TemporaryFile() as log:
        with _lock:
            child = subprocess.Popen(["nice", "-n", str(nice), *argv], cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log,
                                     stderr=subprocess.STDOUT, env={**os.environ, **(env or {})},
                                     start_new_session=True)
            _running[child.pid] = kill
        try:
            late = not _ends_within(child.pid, timeout)
            if late:
                _end(child.pid, kill)
        except BaseException:  # a signal to the suite, in its main thread
            _end(child.pid, kill)
            _reap(child)
            raise
        status, usage = _reap(child)
        log.seek(0)
        output = log.read().decode(errors="replace")
    if late:
        status, output = 124, f"{output}\n(ended after {timeout} s)"
    return Done(status, output, time.monotonic() - begin, usage.ru_utime + usage.ru_stime)


def end_all():
    """Asks every running program to clean up and end; those that run() waits for are reaped there."""
    with _lock:
        for pid, kill in _running.items():
            kill(pid, signal.SIGTERM)


def _ends_within(pid, seconds):
    watched = os.pidfd_open(pid)
    try:
        return bool(select.select([watched], (), (), seconds)[0])
    finally:
        os.close(watched)


def _end(pid, kill):
    """SIGTERM lets a network test remove its namespaces; after 30 s its whole process group is killed."""
    kill(pid, signal.SIGTERM)
    if not _ends_within(pid, 30):
        os.killpg(pid, signal.SIGKILL)


def _reap(child):
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    with _lock:  # so that end_all() signals only our own children
        _, status, usage = os.wait4(child.pid, 0)
        del _running[child.pid]
    child.returncode = os.waitstatus_to_exitcode(status)
    return child.returncode, usage
