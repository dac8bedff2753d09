#!/usr/bin/python3
"""A host inside cannot use up the limits that it shares with others, whatever addresses it uses (X7)."""

import forge
import sip
from labtest import PHONE2, PROVIDER, LabTest, main

ADDRESSES = [f"192.168.1.{host}" for host in range(100, 117)]


def register(address):
    return (f"REGISTER sip:{PROVIDER} SIP/2.0\r\nVia: SIP/2.0/UDP {address}:5060;branch={sip.token('z9hG4bK')}\r\n"
            f"Max-Forwards: 70\r\nFrom: <sip:a@example.test>;tag=a\r\nTo: <sip:a@example.test>\r\n"
            f"Call-ID: {sip.token('flood-')}\r\nCSeq: 1 REGISTER\r\nContact: <sip:a@{address}:5060>\r\n"
            f"Content-Length: 0\r\n\r\n").encode()


class Shares(LabTest):
    daemon_options = ("--max-pending-registrations", "16", "--max-pending-registrations-per-phone", "4")

    def limit(self, name):
        return {row["name"]: row for row in self.lab.ctl("limits")}[name]

    def flood(self, text, each=4):
        """Packets of the first phone's machine with many source addresses of its network."""
        router = forge.link_address(self.lab.router, "lan")
        for address in ADDRESSES:
            for _ in range(each):
                forge.udp(self.lab.phone1, router, (address, 5060), (PROVIDER, 5060), text(address))
        # When the later message arrives, the daemon has also handled these.
        phone, provider = self.phone(), self.peer()
        phone.request("OPTIONS", phone.dialog("peer"))
        provider.hear("OPTIONS")
        phone.close()
        provider.close()

    def test_registrations(self):
        """X7: seventeen addresses of one machine do not take all pending registrations; another phone registers."""
        self.flood(register)
        self.assertEqual(self.limit("pending registrations")["in_use"], 4)
        self.assertEqual(self.limit("pending registrations of a phone")["in_use"], 4)
        self.register(self.phone(2), self.peer())
        self.assertEqual([b["inside"] for b in self.lab.ctl("bindings")], [f"{PHONE2}:5060"])


if __name__ == "__main__":
    main()
