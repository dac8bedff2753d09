#!/usr/bin/python3
"""The daemon is killed, stopped and starved again and again while calls go on over UDP, TCP and IPv6 (A5, T4, X8).

SIPALG_KILLS=200 makes the storm as long as it was once measured; the run of all tests has a short one.
"""

import os
import random
import signal
import threading
import time

from labtest import STRANGER, LabTest, main, wait_for
from patience import slowness
from persistent import KINDS, Pair

KILLS = int(os.environ.get("SIPALG_KILLS", "12"))


class Players(threading.Thread):
    """Pairs that play in random order until they are told to end; calls that have begun are played to their end.

    The main thread must start the daemons, because a program that the lab has started ends with its thread.
    """

    def __init__(self, pairs, rng):
        super().__init__()
        self.pairs, self.rng = pairs, rng
        self.enough, self.failure = False, None

    def run(self):
        try:
            plays = {}
            while True:
                for pair in self.pairs:
                    if pair not in plays and not self.enough:
                        plays[pair] = pair.play()
                if not plays:
                    return
                pair = self.rng.choice(list(plays))
                if next(plays[pair], "end") == "end":
                    del plays[pair]
        except BaseException as failure:  # end() raises it in the main thread
            self.failure = failure

    def end(self):
        self.enough = True
        self.join()
        if self.failure:
            raise self.failure


class Storm(LabTest):
    @classmethod
    def prepare(cls):
        cls.lab.enable_ipv6()
        cls.lab.start_daemon()

    def setUp(self):
        super().setUp()
        self.rng = random.Random(20261130)
        self.pairs = [Pair(self, kind, self.rng) for kind in KINDS]
        self.ends, self.others = (self.phone(3), self.peer(STRANGER)), 0

    def other_call(self):
        """A call of a phone and a peer that are in no pair."""
        self.others += 2
        return self.call_out(*self.ends, phone_port=45000 + self.others, peer_port=35000 + self.others)

    def elements(self):
        """The elements of all sets and maps that hold state, and the number of those with a timeout."""
        listed = self.lab.table()
        return [part for part in listed.replace("\n", " ").split("elements = {")[1:] if "expires" in part.split("}")[0]]

    def assert_over(self):
        """Every call has ended; the daemon and the kernel have nothing open for media, and no element without an end."""
        for pair in self.pairs:
            pair.bury()
        wait_for(lambda: not self.calls(), 5, "the calls to end")
        self.assert_no_pinholes(within=3)
        for part in self.elements():
            rows = [row for row in part.split("}")[0].split(",") if row.strip()]
            for row in rows:
                self.assertIn("expires", row)
        for pair in self.pairs:
            pair.register(0)
        wait_for(lambda: not self.lab.ctl("bindings"), 5, "the registrations to end")
        self.assertEqual(self.lab.members("pinholes"), [])
        call = self.other_call()
        call.exchange()
        call.hang_up()
        self.assert_closed(call)

    def test_kills(self):
        """A5 T4 X8: kills at random moments; calls go on, BYE closes them, nothing is open at the end."""
        moments = random.Random(7)
        players = Players(self.pairs, self.rng)
        players.start()
        try:
            for _ in range(KILLS):
                time.sleep(moments.uniform(0, 0.25))
                self.lab.kill_daemon()
                self.lab.start_daemon()
        finally:
            players.end()
        self.assert_over()
        calls, talks = sum(pair.calls for pair in self.pairs), sum(pair.talks for pair in self.pairs)
        print(f"{KILLS} kills, {calls} calls, audio {talks} times", flush=True)
        self.assertGreaterEqual(calls, len(self.pairs))
        self.assertGreater(talks, 0)

    def test_frozen(self):
        """A6 A7 X8: a daemon that stands still for ten seconds delays messages; media go on, and then everything does."""
        if slowness() > 4 and "SIPALG_KILLS" not in os.environ:
            self.skipTest("the machine is too slow to tell a delay from a loss")
        call = self.other_call()
        call.exchange()
        self.lab.daemon.send(signal.SIGSTOP)
        try:
            until = time.monotonic() + 10
            call.phone.request("OPTIONS", call.phone.dialog("peer", hop=(call.peer.address, call.peer.port)))
            while time.monotonic() < until:
                call.exchange(count=2)
                time.sleep(1)
        finally:
            self.lab.daemon.send(signal.SIGCONT)
        call.peer.hear("OPTIONS", timeout=3)
        call.hang_up()
        self.assert_closed(call)
        players = Players(self.pairs, self.rng)
        players.start()
        players.end()
        self.assert_over()

    def test_interface_gone(self):
        """C11 A9 X8: the outside interface is removed during calls and made again; calls end, new ones have audio."""
        call = self.other_call()
        call.exchange()
        isp, replace = self.lab.isp, self.lab.remove_wan()
        time.sleep(0.5)
        self.assertTrue(self.lab.daemon.running, self.lab.daemon.output()[-3000:])
        replace()
        wait_for(lambda: "state forwarding" in isp.run("bridge", "link", "show", "dev", "customer").stdout, 5, "the port")
        wait_for(lambda: self.lab.ctl("status")["addresses"], 5, "the address")
        call.exchange()
        call.hang_up()
        self.assert_closed(call)
        again = self.other_call()
        again.exchange()
        again.hang_up()
        self.assert_closed(again)


if __name__ == "__main__":
    main()
