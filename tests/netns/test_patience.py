#!/usr/bin/python3
"""Waits are extended by the machine's slowness; limits of promises, and checks that nothing arrives, are not."""

import os
import socket
import time
import unittest
from unittest import mock

import patience
from netns import Timeout, Udp, promised, wait_for


def seconds_of(call):
    begin = time.monotonic()
    call()
    return time.monotonic() - begin


class Here:
    """The namespace of this process."""

    @staticmethod
    def socket(*kind):
        return socket.socket(*kind)


class Patience(unittest.TestCase):
    def fails_after(self, call):
        with self.assertRaises(Timeout):
            begin = time.monotonic()
            call()
        return time.monotonic() - begin

    def test_a_wait_stretches(self):
        with mock.patch.dict(os.environ, SIPALG_SLOWNESS="4"):
            self.assertGreaterEqual(self.fails_after(lambda: wait_for(lambda: False, 0.1)), 0.4)

    def test_on_an_idle_machine_it_does_not(self):
        with mock.patch.dict(os.environ, SIPALG_SLOWNESS="1"):
            self.assertLess(self.fails_after(lambda: wait_for(lambda: False, 0.1)), 0.4)

    def test_what_comes_in_the_stretched_time_is_in_time(self):
        end = time.monotonic() + 0.2
        with mock.patch.dict(os.environ, SIPALG_SLOWNESS="10"):
            self.assertTrue(wait_for(lambda: time.monotonic() > end, 0.1))

    def test_a_promise_is_exact(self):
        end = time.monotonic() + 0.3
        with mock.patch.dict(os.environ, SIPALG_SLOWNESS="10"):
            self.fails_after(lambda: promised(lambda: time.monotonic() > end, 0.1, "it"))

    def test_receiving_stretches_and_silence_is_exact(self):
        udp = Udp(Here, "127.0.0.1")
        self.addCleanup(udp.close)
        with mock.patch.dict(os.environ, SIPALG_SLOWNESS="4"):
            self.assertGreaterEqual(self.fails_after(lambda: udp.receive(0.1)), 0.4)
            self.assertLess(seconds_of(lambda: udp.hears_nothing(0.1)), 0.4)

    def test_a_stretch_has_an_end(self):
        with mock.patch.dict(os.environ, SIPALG_SLOWNESS="1000"):
            self.assertEqual(patience.slowness(), patience.MOST)

    def test_measuring(self):
        self.assertTrue(1 <= patience.slowness() <= patience.MOST)


if __name__ == "__main__":
    unittest.main(verbosity=2)
