#!/usr/bin/python3
"""System calls that fail on purpose while calls pass: nothing is lost for good, left open or leaked (X8).

A preloaded library makes the n-th send, receive, open, accept or write of the daemon fail (tests/platform/failing_calls.cpp).
"""
import errno
import mmap
import os
import random
import signal
import struct

from labtest import PROVIDER, LabTest, main, sip
from lab import build_directory
from netns import Timeout, wait_for

LIBRARY = os.path.join(build_directory(), "tests", "platform", "libfailing_calls.so")
KINDS = {  # in the library's order
    "send": (errno.ENOBUFS, errno.ENOMEM, errno.EPERM, errno.EAGAIN, errno.EINTR),
    "receive": (errno.ENOBUFS, errno.ENOMEM, errno.EINTR, errno.EAGAIN),
    "open": (errno.EMFILE, errno.EACCES, errno.ENOENT),
    "accept": (errno.EMFILE, errno.ENFILE, errno.ECONNABORTED),
    "write": (errno.ENOSPC, errno.EAGAIN, errno.EIO),
}
ORDER = struct.Struct("=iiii")  # calls left, error, seen, failed


class Faults(LabTest):
    @classmethod
    def prepare(cls):
        path = cls.lab.file("failing-calls", "\0" * ORDER.size * len(KINDS))
        with open(path, "r+b") as file:
            cls.orders = mmap.mmap(file.fileno(), 0)
        cls.lab.start_daemon(wrapper=("env", f"LD_PRELOAD={LIBRARY}", f"FAILING_CALLS={path}"))
        cls.lab._daemon_options = None  # fresh() keeps this daemon

    def setUp(self):
        self.lab.close_sockets()

    def order(self, kind, number, error):
        index = list(KINDS).index(kind)
        _, _, seen, failed = ORDER.unpack_from(self.orders, index * ORDER.size)
        ORDER.pack_into(self.orders, index * ORDER.size, number, error, seen, failed)

    def failed(self, kind):
        return ORDER.unpack_from(self.orders, list(KINDS).index(kind) * ORDER.size)[3]

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.lab.daemon.pid}/fd"))  # `env` has become the daemon

    def deliver(self, send, receiver, what, about=None):
        """As a real element does: sends again until it arrives. `about`: the method that a response answers."""
        for _ in range(8):
            send()
            try:
                heard = receiver.hear(what, timeout=0.4)
                while about and heard.about != about:
                    heard = receiver.hear(what, timeout=0.4)
                return heard
            except Timeout:
                pass
        raise AssertionError(f"{what} was lost eight times")

    def call_with_retransmissions(self):
        phone, peer = self.phone(), self.peer()
        dialog = phone.dialog("peer")
        body = sip.sdp(phone.address, 40000)
        branch = sip.token("z9hG4bK")
        invite = self.deliver(lambda: phone.request("INVITE", dialog, body, branch=branch, cseq=1), peer, "INVITE")
        dialog.cseq = 1
        answer = sip.sdp(PROVIDER, 30000)
        dialog.learn(self.deliver(lambda: peer.reply(invite, 200, answer), phone, 200))
        self.deliver(lambda: phone.request("ACK", dialog, cseq=1), peer, "ACK")
        branch = sip.token("z9hG4bK")
        bye = self.deliver(lambda: phone.request("BYE", dialog, branch=branch, cseq=2), peer, "BYE")
        self.deliver(lambda: peer.reply(bye, 200), phone, 200, "BYE")
        self.lab.close_sockets()

    def open_elements(self):
        """The number of elements in each of these."""
        return {name: self.lab.members(name, kind).count("expires")
                for name, kind in (("pinholes", "set"), ("mappings_in", "map"), ("mappings_out", "map"))}

    def call_with_audio(self):
        wait_for(lambda: not self.calls(), 5, "the calls to end")
        call = self.call_out(phone_port=40010, peer_port=30010)
        call.exchange()
        call.hang_up()
        self.assert_closed(call)
        self.lab.close_sockets()

    def assert_sound(self, descriptors, elements):
        """The next call has audio and closes; nothing remains of the one before but mappings for the next one."""
        self.call_with_audio()
        wait_for(lambda: self.open_elements() == elements, 5, f"the elements of the start: {elements}, {self.open_elements()}")
        wait_for(lambda: self.descriptors() == descriptors, 5, f"{descriptors} descriptors, {self.descriptors()} now")

    def test_fifty(self):
        """One call at a time fails, at random, fifty times."""
        self.call_with_retransmissions()
        self.call_with_audio()
        descriptors, elements = self.descriptors(), self.open_elements()
        chosen = random.Random(20261130)
        for number in range(50):
            kind = chosen.choice(("send", "send", "receive", "receive", "open", "accept", "write"))
            nth, error = chosen.randint(1, 12), chosen.choice(KINDS[kind])
            with self.subTest(number=number, kind=kind, nth=nth, error=errno.errorcode[error]):
                self.order(kind, nth, error)
                if kind == "accept":
                    self.lab.ctl_run("status")
                if kind == "open":
                    self.lab.daemon.send(signal.SIGHUP)
                self.call_with_retransmissions()
                self.order(kind, 0, 0)
                self.assertTrue(self.lab.daemon.running, self.lab.daemon.output()[-3000:])
                self.assert_sound(descriptors, elements)
        self.assertGreater(self.failed("send"), 3)
        self.assertGreater(self.failed("receive"), 3)


if __name__ == "__main__":
    main()
