#!/usr/bin/python3
"""The router's address changes, or disappears and returns, with a call and a registration in progress (C11; CHECKLIST
8)."""

import re
import signal

from labtest import PHONE1, PROVIDER, ROUTER_WAN, LabTest, main, sip
from netns import wait_for

SANITIZED = True  # in every run of tests/run also with sanitizers

NEW_WAN = "203.0.113.2"


class Readdress(LabTest):
    def setUp(self):
        self.set_address(ROUTER_WAN)
        super().setUp()

    @classmethod
    def tearDownClass(cls):
        cls.set_address(ROUTER_WAN)  # as in the initial lab
        super().tearDownClass()

    @classmethod
    def set_address(cls, address):
        """The WAN interface has this address and no other, as a DHCP client leaves it."""
        router = cls.lab.router
        if address is None or f" {address}/" not in router.run("ip", "-4", "address", "show", "dev", "wan").stdout:
            router.run("ip", "-4", "address", "flush", "dev", "wan")
            if address is None:
                return
            router.run("ip", "address", "add", f"{address}/24", "dev", "wan")
        router.run("ip", "route", "replace", "default", "via", PROVIDER)

    def public(self, call):
        return {(p["public"], p["inside"], p["remote"]) for p in self.pinholes(call.id)}

    def renegotiate(self, call):
        """The phone's re-INVITE, by which the peer learns the router's address."""
        heard = call.negotiate("phone", sip.sdp(PHONE1, call.phone_rtp.port), sip.sdp(PROVIDER, call.peer_rtp.port))
        return heard["peer"]

    def assert_moved(self, call, address=NEW_WAN):
        wait_for(lambda: {p["public"].rsplit(":", 1)[0] for p in self.pinholes(call.id)} == {address}, 3,
                 "the call's pinholes to stand at the new address")
        # The map `seen` keeps what conntrack did at the former address for three minutes; no message names that address.
        self.assertNotIn(f" {ROUTER_WAN} ", re.sub(r"\tmap seen \{.*?\n\t\}", "", self.lab.table(), flags=re.S))
        wait_for(lambda: not [f for f in self.lab.conntrack("-p", "udp") if f"dst={ROUTER_WAN} " in f], 3,
                 "the flows of the former address to leave conntrack")

    def end_by_former_address(self, call):
        """The peer's BYE still names the old address and is sent to the new one: the phone receives it with its own
        addresses."""
        call.peer_dialog.hop = (NEW_WAN, 5060)
        call.peer.request("BYE", call.peer_dialog)
        request = call.phone.hear("BYE")
        self.assertEqual(sip.host_port(request.uri), (PHONE1, 5060))
        call.phone.reply(request, 200)
        call.peer.hear(200)
        self.assert_closed(call)

    def changes_logged(self):
        return [line for line in self.lab.daemon.output().splitlines() if "address changed" in line]

    def test_in_mid_call(self):
        """C11, CHECKLIST 8: mappings, pinholes and flows move at once; after the phone's re-INVITE audio returns on the
        same ports."""
        call = self.call_out()
        call.exchange()
        before = self.public(call)
        logged = len(self.changes_logged())
        self.set_address(NEW_WAN)
        self.assert_moved(call)
        self.assertEqual(self.public(call), {(p.replace(ROUTER_WAN, NEW_WAN), i, r) for p, i, r in before})
        self.assertEqual(len(self.changes_logged()), logged + 1)
        self.assertRegex(self.changes_logged()[-1], f"{ROUTER_WAN}.*{NEW_WAN}.*1 call,")
        request = self.renegotiate(call)
        self.assertEqual(request.source, (NEW_WAN, 5060))
        self.assertEqual(sip.host_port(sip.uri_of(request.get("Contact"))), (NEW_WAN, 5060))
        self.assertEqual((call.peer_told.address, call.peer_told.port), (NEW_WAN, 40000))
        call.exchange()
        call.exchange(first="right")
        call.hang_up()
        self.assert_closed(call)
        self.assert_no_inside_address_outside()

    def test_phone_goes_on_talking(self):
        """C11: audio without a pause leaves from the new address, without any message."""
        call = self.call_out()
        call.exchange()
        self.set_address(NEW_WAN)
        self.assert_moved(call)
        call.peer_rtp.forget()
        call.phone_rtp.send((PROVIDER, call.peer_rtp.port), 5)
        wait_for(call.peer_rtp.listen, 3, "the phone's audio")
        self.assertEqual({h.source for h in call.peer_rtp.heard}, {(NEW_WAN, 40000)})

    def test_peer_names_the_former_address(self):
        """C11 S4: a request of the peer that names the old address and is sent to the new one reaches the phone with
        its own addresses."""
        call = self.call_out()
        self.set_address(NEW_WAN)
        self.assert_moved(call)
        self.assertIn(ROUTER_WAN, call.peer_dialog.target)
        self.end_by_former_address(call)

    def test_flap(self):
        """C11: the address disappears and returns, the cable is unplugged and plugged in: nothing is closed, no port
        changes."""
        call = self.call_in()
        call.exchange()
        before, logged = self.public(call), len(self.changes_logged())
        self.set_address(None)
        self.assertEqual(self.public(call), before)
        self.set_address(ROUTER_WAN)
        self.assertEqual(self.public(call), before)
        call.exchange()
        for state in ("down", "up"):
            self.lab.isp.run("ip", "link", "set", "customer", state)
        wait_for(lambda: "state UP" in self.lab.router.run("ip", "link", "show", "wan").stdout, 5, "the link")
        # The switch notices its end of the link by itself.
        wait_for(lambda: "state forwarding" in self.lab.isp.run("bridge", "link", "show", "dev", "customer").stdout, 5, "the port")
        call.exchange(first="right")
        self.assertEqual(self.public(call), before)
        self.assertEqual(len(self.changes_logged()), logged)
        call.hang_up(by="peer")
        self.assert_closed(call)

    def test_renewal(self):
        """C11: a DHCP client that renews its lease for the same address changes nothing."""
        call = self.call_out()
        call.exchange()
        before, logged = self.public(call), len(self.changes_logged())
        flows = len(self.lab.flows(f"src={PHONE1}"))
        for lifetime in (3600, 7200):
            self.lab.router.run("ip", "address", "replace", f"{ROUTER_WAN}/24", "dev", "wan", "valid_lft", lifetime,
                                "preferred_lft", lifetime)
        call.exchange()
        self.assertEqual(self.public(call), before)
        self.assertEqual(len(self.lab.flows(f"src={PHONE1}")), flows)
        self.assertEqual(len(self.changes_logged()), logged)
        self.lab.router.run("ip", "address", "replace", f"{ROUTER_WAN}/24", "dev", "wan")

    def test_while_killed(self):
        """C11 A5: the address changes while no daemon runs; the next one moves the calls and registrations to the new
        address."""
        call = self.call_in()
        call.exchange()
        self.lab.kill_daemon()
        self.set_address(NEW_WAN)
        self.lab.start_daemon()
        self.assertEqual(self.calls()[call.id]["state"], "confirmed")
        self.assert_moved(call)
        self.assertEqual([b["public"] for b in self.lab.ctl("bindings")], [f"{NEW_WAN}:5060"])
        self.renegotiate(call)
        self.assertEqual(call.peer_told.address, NEW_WAN)
        call.exchange()
        call.hang_up()
        self.assert_closed(call)

    def test_killed_afterwards(self):
        """C11 A5: a daemon that starts after the change still knows the old address by which the peer calls the
        phone."""
        call = self.call_out()
        self.set_address(NEW_WAN)
        self.assert_moved(call)
        self.lab.kill_daemon()
        self.lab.start_daemon()
        self.end_by_former_address(call)

    def test_registration(self):
        """C11, CHECKLIST 8: the binding moves; the phone's next REGISTER leaves from the new address and the same port,
        and is answered."""
        phone, peer = self.phone(), self.peer()
        request, _ = self.register(phone, peer)
        self.assertEqual(request.source, (ROUTER_WAN, 5060))
        self.set_address(NEW_WAN)
        wait_for(lambda: [b["public"] for b in self.lab.ctl("bindings")] == [f"{NEW_WAN}:5060"], 3,
                 "the binding to stand at the new address")
        request, answer = self.register(phone, peer)
        self.assertEqual(request.source, (NEW_WAN, 5060))
        self.assertEqual(sip.host_port(sip.uri_of(request.get("Contact"))), (NEW_WAN, 5060))
        self.assertEqual(sip.host_port(sip.uri_of(answer.get("Contact"))), (PHONE1, 5060))
        self.lab.forget_flows()
        peer.invite("phone1", sip.sdp(PROVIDER, 30000), contact=request.get("Contact"))
        self.assertEqual(sip.host_port(phone.hear("INVITE").uri), (PHONE1, 5060))

    def test_external_address(self):
        """C11: SIGHUP with another external-address: messages name it from then on, and no flow is affected."""
        self.configure("external-address = 198.51.100.7\n")
        call = self.call_out()
        self.assertEqual(call.peer_told.address, "198.51.100.7")
        flows = self.lab.flows(f"src={PHONE1}")
        self.lab.file("sipalgd.conf", "external-address = 198.51.100.8\n")
        self.lab.daemon.send(signal.SIGHUP)
        wait_for(lambda: {p["public"].split(":")[0] for p in self.pinholes(call.id)} == {"198.51.100.8"}, 3,
                 "the pinholes to be told by the new address")
        self.assertEqual(len(self.lab.flows(f"src={PHONE1}")), len(flows))
        request = self.renegotiate(call)
        self.assertEqual(call.peer_told.address, "198.51.100.8")
        self.assertEqual(sip.host_port(sip.uri_of(request.get("Contact"))), ("198.51.100.8", 5060))
        call.hang_up()
        self.lab.stop_daemon()


if __name__ == "__main__":
    main()
