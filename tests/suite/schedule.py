"""Runs the pieces of a plan: builds one after the other, tests beside the next build."""

import concurrent.futures
import traceback

import network
import program
from program import CORES


class Pools:
    """Runs pieces: many at a time of those that wait for packets, and one per processor of the others."""

    def __init__(self):
        self._waiting = concurrent.futures.ThreadPoolExecutor(network.AT_A_TIME)
        self._working = concurrent.futures.ThreadPoolExecutor(CORES)
        self._futures = {}

    def submit(self, piece, outcome):
        def run():
            try:
                return piece.run()
            except Exception:
                outcome.fail(piece.name, traceback.format_exc())
        pool = self._waiting if piece.waits else self._working
        self._futures[pool.submit(run)] = piece

    def results(self):
        """Waits for all submitted pieces; returns (piece, its result) for each."""
        return [(piece, future.result()) for future, piece in self._futures.items()]

    def stop(self):
        """After Ctrl-C: starts no more pieces, and waits until the running ones have cleaned up and ended."""
        for pool in (self._waiting, self._working):
            pool.shutdown(wait=False, cancel_futures=True)
        program.end_all()
        for pool in (self._waiting, self._working):
            pool.shutdown(wait=True)


def tell_apart(failures, outcome):
    """Distinguishes network tests that fail only under load from those that fail.

    A module that then passes three times alone counts as passed, and is named as unstable at the end of the run.
    """
    for piece, names in failures:
        outcome.say(f"{piece.name}: three times more, alone")
        if all(network.passes_alone(piece.module, piece.build) for _ in range(3)):
            outcome.excuse(names, "failed under load, passed alone three times")


def run(pieces, made, outcome):
    """Makes the builds that the pieces need, each while the tests of the previous one run."""
    pools = Pools()
    try:
        for piece in pieces:
            if piece.build is None:
                pools.submit(piece, outcome)
        for build in made:
            mine = [piece for piece in pieces if piece.build is build]
            if mine and build.build(outcome):
                for piece in mine:
                    pools.submit(piece, outcome)
        tell_apart([(piece, names) for piece, names in pools.results() if piece.module and names], outcome)
    except BaseException:
        pools.stop()
        raise
