#!/usr/bin/python3
"""Other programs remove the daemon's rules: they are restored at once, and nothing is corrupted in the meantime."""

import re
import time

from lab import ADMIN_RULESET
from labtest import PHONE1, PROVIDER, main, sip
from netns import wait_for
from tcptest import PHONES, SHORT_PHONE, TcpTest, Transaction, peer_description

SOON = 0.5  # seconds; without a notification from the kernel it would be up to two
BACK = "another program removed the rules of sipalgd; they are restored"
ACCEPTED = "accept rule for pinholes is in inet admin forward"
ACCEPTS = 'comment "sipalg:sipalg"'


class Flushed(TcpTest):
    def setUp(self):
        # A test that failed half-way may have left no firewall.
        self.reload = self.lab.file("firewall.nft", "flush ruleset\n" + self.lab.empty_ruleset)
        if "chain forward" not in self.lab.ruleset():
            self.nft("-f", self.reload)
        super().setUp()

    def nft(self, *command):
        self.lab.router.run("nft", *command)

    def mends(self):
        return self.lab.daemon.output().count(BACK)

    def accepts(self):
        return self.lab.daemon.output().count(ACCEPTED)

    def whole(self):
        ruleset = self.lab.ruleset()
        return "chain from_inside" in ruleset and ACCEPTS in ruleset

    def comes_back(self, *command, table=True):
        """Everything that `flush` removes is restored soon; `table`: this includes a part of our table."""
        before = self.mends()
        self.nft(*command)
        wait_for(lambda: (not table or self.mends() > before) and self.whole(), SOON,
                 f"the rules after nft {' '.join(command)}")

    def test_whatever_is_taken(self):
        """SPEC 1: table, chains or rules of ours, or the accept rule in the owner's chain."""
        losses = (lambda: ("-f", self.reload), lambda: ("delete", "table", "inet", "sipalg"),
                  lambda: ("flush", "table", "inet", "sipalg"), self.deletion_of_accept_rule)
        for loss in losses:
            self.lab.fresh()
            command = loss()
            with self.subTest(command=command):
                self.comes_back(*command, table=loss != self.deletion_of_accept_rule)

    def deletion_of_accept_rule(self):
        listing = self.lab.router.run("nft", "-a", "list", "chain", "inet", "admin", "forward").stdout
        handle = re.search(f"{ACCEPTS} # handle (\\d+)", listing).group(1)
        return ("delete", "rule", "inet", "admin", "forward", "handle", handle)

    def test_loaded_in_two_steps(self):
        """A4: the table comes back at once, the accept rule as soon as its chain is there, without any error."""
        self.nft("flush", "ruleset")
        wait_for(lambda: "waiting for it" in self.lab.daemon.output(), SOON, "a word about the missing chain")
        self.assertIn("table inet sipalg", self.lab.ruleset())
        accepts = self.accepts()
        self.nft("-f", self.lab.file("own.nft", ADMIN_RULESET))
        wait_for(lambda: self.accepts() > accepts and self.whole(), SOON, "the accept rule")
        self.assertNotIn("[error]", self.lab.daemon.output())

    def test_flushed_set(self):
        """A5: a set that another program empties is filled again with its elements and with those from the settings."""
        phone, peer = self.phone(), self.peer()
        self.register(phone, peer)
        for name in ("mappings_out", "records", "sip_ports", "outside"):
            with self.subTest(name=name):
                before = self.set_contents(name)
                self.assertIn("elements", before)
                self.comes_back("flush", "map" if "mapping" in name else "set", "inet", "sipalg", name)
                self.assertEqual(self.set_contents(name), before)

    def set_contents(self, name):
        listing = self.lab.router.run("nft", "list", "map" if "mapping" in name else "set", "inet", "sipalg", name).stdout
        return re.sub(r" (timeout|expires) \w+", "", listing)

    def test_quarrel(self):
        """X7: a program that removes the rules all the time does not keep the daemon busy; in the end they are
        restored."""
        began, before = time.monotonic(), self.mends()
        for _ in range(60):
            self.lab.router.run("nft", "delete", "table", "inet", "sipalg", check=False)
            time.sleep(0.02)
        windows = 1 + (time.monotonic() - began) // 2
        self.assertLessEqual(self.mends() - before, 4 * (windows + 1))
        self.assertIn("keeps removing the rules", self.lab.daemon.output())
        wait_for(self.whole, 3, "the rules, when nobody takes them any more")
        self.assertEqual(self.lab.ctl_run("status").returncode, 0)

    def test_others_business(self):
        """Changes that do not concern the daemon's rules have no effect, however many there are."""
        connection = self.shifted()
        self.nft("add", "table", "inet", "other", "{ set s { type ipv4_addr; } ; }")
        for n in range(20):
            self.nft("add", "element", "inet", "other", "s", f"{{ 192.0.2.{n} }}")
        self.nft("delete", "table", "inet", "other")
        connection.options()
        self.assertEqual(self.mends(), 0)

    def test_changed_connection(self):
        """T4: connections with translated sequence numbers are reset, whichever end sends first, and no wrong byte
        arrives."""
        connections = [self.shifted(phone) for phone in PHONES.values()]
        self.comes_back("-f", self.reload)
        self.assert_reset(connections)
        self.connection().options()

    def test_within_a_message(self):
        """T4: the same while half a message is queued; the bytes that have arrived until then are correct."""
        # A tail loss probe would repeat the half a few milliseconds later, perhaps in the moment without rules.
        self.lab.phone1.set("net/ipv4/tcp_early_retrans", 0)
        for phone in PHONES.values():
            with self.subTest(phone=phone):
                self.assert_cut_off(phone, lambda: self.comes_back("-f", self.reload))

    def test_only_the_accept_rule(self):
        """T4: a firewall that reloads only its own chains resets no connection."""
        connections = [self.shifted(phone) for phone in PHONES.values()]
        self.comes_back("-f", self.lab.file("own.nft", "flush table inet admin\n" + ADMIN_RULESET), table=False)
        self.assertEqual(self.mends(), 0)
        for connection in connections:
            connection.options()

    def test_registered_over_tcp(self):
        """A phone whose connection was reset connects and registers again, and receives calls."""
        self.shifted(SHORT_PHONE)
        self.comes_back("-f", self.reload)
        connection = self.connection(SHORT_PHONE)
        transaction = Transaction("REGISTER")
        connection.out(transaction.request("Expires: 600"))
        connection.in_(transaction.answer(200).replace("<sip:peer@203.0.113.10:5060;transport=tcp>",
                                                       "<sip:phone@{sig};transport=tcp>;expires=600"))
        connection.in_(Transaction("INVITE").peer_request(), peer_description())

    def test_registered(self):
        """C8: a registered phone receives the call that comes right after, with media; the call ends normally."""
        phone, peer = self.phone(), self.peer()
        registration, _ = self.register(phone, peer)
        self.comes_back("-f", self.reload)
        self.lab.forget_flows()
        target = sip.uri_of(registration.get("Contact"))
        peer.invite("phone1", sip.sdp(PROVIDER, 30000), hop=sip.host_port(target), target=target)
        self.assertEqual(phone.hear("INVITE").uri, f"sip:phone1@{PHONE1}:5060")

    def test_call(self):
        """A5: a call continues with its media, also without its conntrack entries, and closes."""
        call = self.call_out()
        for _ in range(3):
            self.comes_back("-f", self.reload)
        self.lab.forget_flows()
        call.exchange(first="right")
        call.hang_up()
        self.assert_closed(call)


if __name__ == "__main__":
    main()
