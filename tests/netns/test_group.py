#!/usr/bin/python3
"""Messages that wait together share one transaction (P4), and each leaves after the kernel has acknowledged it (law 1)."""

import signal
import socket
import struct

from labtest import PHONE1, PROVIDER, LabTest, main, rtp, sip, wait_for
from tcptest import TcpTest, Transaction, description

WINDOW = 64
READ = 16  # packets that the daemon reads at once
NETFILTER = 12  # NETLINK_NETFILTER
GET_GENERATION = 10 << 8 | 16  # NFNL_SUBSYS_NFTABLES, NFT_MSG_GETGEN


class Transactions:
    """Counts the transactions of messages that wait together."""

    def setUp(self):
        super().setUp()
        self.asked = self.lab.router.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETFILTER)
        self.addCleanup(self.asked.close)

    def transactions(self):
        """The number of nftables transactions in the router's namespace so far."""
        self.asked.send(struct.pack("=IHHIIBBH", 20, GET_GENERATION, 1, 1, 0, 0, 0, 0))
        return struct.unpack_from(">I", self.asked.recv(4096), 24)[0]

    def together(self, send, count):
        """Sends so many messages while the daemon does not run. Returns a function that gives the number of
        transactions since then."""
        before = self.transactions()
        queued = self.lab.queue_counters()[0]
        self.lab.daemon.send(signal.SIGSTOP)
        try:
            send()
            wait_for(lambda: self.lab.queue_counters()[0] >= queued + count, what="the messages to wait")
        finally:
            self.lab.daemon.send(signal.SIGCONT)
        return lambda: self.transactions() - before


class Group(Transactions, LabTest):
    def test_window(self):
        """P4, law 1: 64 calls at once have few transactions, the right media and an end."""
        phone, peer = self.phone(), self.peer()
        dialogs = {}

        def invite():
            for number in range(WINDOW):
                dialog = phone.invite(peer.user, sip.sdp(PHONE1, 40000 + 2 * number), hop=(PROVIDER, 5060))
                dialogs[dialog.call_id] = dialog
        passed = self.together(invite, WINDOW)
        # The mapping is in the kernel before its INVITE arrives.
        first = peer.hear("INVITE")
        self.assertIn(str(first.media[0].port), self.lab.table())
        requests = [first] + [peer.hear("INVITE") for _ in range(WINDOW - 1)]
        self.assertEqual({r.get("Call-ID") for r in requests}, set(dialogs))
        self.assertEqual(len({r.media[0].port for r in requests}), WINDOW)
        self.assertLessEqual(passed(), 2 * WINDOW / READ)

        def answer():
            for number, request in enumerate(requests):
                peer.reply(request, 200, sip.sdp(PROVIDER, 30000 + 2 * number))
        passed = self.together(answer, WINDOW)
        finals = [phone.hear(200) for _ in range(WINDOW)]
        self.assertLessEqual(passed(), 2 * WINDOW / READ)
        self.assertEqual({call["state"] for call in self.calls().values()}, {"confirmed"})
        self.assertEqual({p["call_id"] for p in self.pinholes()}, set(dialogs))

        for final in finals:
            dialog = dialogs[final.get("Call-ID")]
            dialog.learn(final)
            phone.ack(dialog, final)
        number = [final.get("Call-ID") for final in finals].index(requests[0].get("Call-ID"))
        near = self.media(PHONE1, 40000 + 2 * list(dialogs).index(requests[0].get("Call-ID")))
        rtp.exchange(near, finals[number].media[0], self.media(PROVIDER, 30000), requests[0].media[0])

        self.together(lambda: [phone.request("BYE", dialog) for dialog in dialogs.values()], WINDOW)
        byes = [peer.hear("BYE") for _ in range(WINDOW)]
        passed = self.together(lambda: [peer.reply(bye, 200) for bye in byes], WINDOW)
        for _ in range(WINDOW):
            phone.hear(200)
        self.assertLessEqual(passed(), 2 * WINDOW / READ)
        self.assertEqual(self.calls(), {})
        self.assert_no_pinholes()
        self.assertNotIn("refused", self.lab.daemon.output())


class Segments(Transactions, TcpTest):
    def test_stream(self):
        """P4 T1: eight messages at once on one connection have few transactions, and arrive rewritten and in order."""
        connection = self.shifted()
        pairs = [connection.names.out(Transaction("INVITE").request(), description()) for _ in range(8)]

        def send():
            for sent, _ in pairs:
                connection.near.send(sent)
                connection.near.wait_sent()
        passed = self.together(send, len(pairs))
        connection.far.expect(b"".join(wanted for _, wanted in pairs))
        self.assertLessEqual(passed(), 2)
        self.assertEqual(len(self.calls()), len(pairs))
        connection.options()


if __name__ == "__main__":
    main()
