#!/usr/bin/python3
"""A phone that registers over TCP and one that registers over UDP call each other through a proxy (A3, C9)."""

import test_provider_calls
from labtest import PHONE1, PHONE2, PROVIDER, main, sip
from sip_tcp import TcpAgent


class MixedTransports(test_provider_calls.ThroughKamailio):
    def phones(self):
        """(over TCP, over UDP), both on port 5060."""
        return (TcpAgent(self.lab, self.lab.phone1, PHONE1, 5060, "phone1", (PROVIDER, 5060)),
                sip.Agent(self.lab, self.lab.phone2, PHONE2, 5060, "phone2", (PROVIDER, 5060)))

    def both_ends(self, caller):
        """Calls by the phone of phones() with this index, each ended by another end."""
        for caller_ends in (False, True):
            with self.subTest(caller_ends=caller_ends):
                self.lab.fresh()
                phones = self.phones()
                self.hairpin(phones[caller], phones[1 - caller], caller_ends)

    def test_from_tcp_to_udp(self):
        """A3 C9: the phone on TCP calls; ACK arrives, and BYE from either end."""
        self.both_ends(0)

    def test_from_udp_to_tcp(self):
        """A3 C9: the phone on UDP calls; ACK arrives, and BYE from either end."""
        self.both_ends(1)

    def test_no_public_port_for_both(self):
        """A3: one public signalling port never belongs to two phones, not with two transports either."""
        for phone in self.phones():
            self.registered(phone)
        bindings = self.lab.ctl("bindings")
        self.assertEqual(len({b["public"] for b in bindings}), 2, bindings)


if __name__ == "__main__":
    main()
