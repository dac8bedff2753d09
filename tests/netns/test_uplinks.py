#!/usr/bin/python3
"""A router with two uplinks: each message and each mapping has the address of the interface by which the packet
leaves."""

import select
import time

from labtest import PHONE1, PROVIDER, ROUTER_WAN, Call, LabTest, main, sip
from netns import wait_for

ROUTER_WAN2, PROVIDER2, FARTHER = "198.51.100.1", "198.51.100.10", "192.0.2.10"


class Uplinks(LabTest):
    @classmethod
    def prepare(cls):
        cls.second = cls.lab.uplink("second", "wan2", ROUTER_WAN2, PROVIDER2)
        cls.second.run("ip", "address", "add", f"{FARTHER}/32", "dev", "lo")
        # A more specific route than the default one, as for a VPN.
        cls.lab.router.run("ip", "route", "add", "192.0.2.0/24", "via", PROVIDER2)
        cls.lab.start_daemon("--outside", "wan", "--outside", "wan2")

    def namespace(self, address):
        return self.second if address in (PROVIDER2, FARTHER) else super().namespace(address)

    def test_each_its_own(self):
        """N1, CHECKLIST 23: calls of one phone by both uplinks, and by a more specific route; each names its own
        address."""
        phone = self.phone()
        calls = []
        for i, (far, public) in enumerate(((PROVIDER, ROUTER_WAN), (PROVIDER2, ROUTER_WAN2), (FARTHER, ROUTER_WAN2))):
            peer = self.peer(far)
            voice, far_voice = self.media(PHONE1, 40000 + 10 * i), self.media(far, 30000)
            call = Call(self, phone, peer, voice, far_voice)
            call.phone_dialog = phone.invite(peer.user, sip.sdp(PHONE1, voice.port), hop=(far, 5060))
            request = peer.hear("INVITE")
            self.assertIn(f" {public}:", request.get("Via"))
            self.assertEqual(sip.host_port(sip.uri_of(request.get("Contact")))[0], public)
            self.assertEqual(request.media[0].address, public)
            self.assertEqual(request.source[0], public)
            call.answer(request, sip.sdp(far, 30000))
            calls.append(call)
        for call in calls:
            call.exchange()
        calls[1].hang_up(by="peer")
        self.assert_closed(calls[1])
        for call in (calls[0], calls[2]):
            call.exchange()
            call.hang_up()
            self.assert_closed(call)

    def registered_twice(self):
        """A phone that is registered by both uplinks: (phone, [(registrar, the phone's Contact there)])."""
        phone, found = self.phone(), []
        for far, public in ((PROVIDER, ROUTER_WAN), (PROVIDER2, ROUTER_WAN2)):
            registrar = self.peer(far)
            request, _ = self.register(phone, registrar)
            target = sip.uri_of(request.get("Contact"))
            self.assertEqual(sip.host_port(target)[0], public)
            found.append((registrar, target))
        return phone, found

    def assert_reached(self, phone, registrations):
        """Each registrar reaches the phone, and the phone's answer and request have the address of the uplink."""
        for registrar, target in registrations:
            registrar.request("OPTIONS", registrar.dialog(phone.user, sip.host_port(target), target))
            phone.reply(phone.hear("OPTIONS"), 200)
            self.assertEqual(registrar.hear(200).source, sip.host_port(target))
        self.assert_sends(phone, registrations)

    def assert_sends(self, phone, registrations):
        for registrar, target in registrations:
            phone.request("OPTIONS", phone.dialog(registrar.user, (registrar.address, registrar.port)))
            request = registrar.hear("OPTIONS")
            self.assertEqual(request.source, sip.host_port(target))
            self.assertIn(f" {request.source[0]}:", request.get("Via"))
            registrar.reply(request, 200)
            phone.hear(200)

    def test_registered_twice(self):
        """N1 C8, CHECKLIST 23: one phone registered by both uplinks is reached by both, at the address of each."""
        phone, registrations = self.registered_twice()
        wait_for(lambda: {b["public"].split(":")[0] for b in self.lab.ctl("bindings")} == {ROUTER_WAN, ROUTER_WAN2}, 1,
                 "both bindings to be shown")
        self.assert_reached(phone, registrations)
        time.sleep(0.3)  # the daemon compares the sets with its elements 100 ms after a change of the ruleset
        self.assertNotIn("another program removed", self.lab.daemon.output())

    def test_registered_twice_without_conntrack(self):
        """N1 A3: the mappings at both uplinks work without the flows of the registrations, also those of a second
        phone, whose port outside is another one."""
        other = self.phone(2)
        for registrar in (self.peer(PROVIDER), self.peer(PROVIDER2)):
            self.register(other, registrar)
            registrar.close()
        phone, registrations = self.registered_twice()
        for registrar, target in registrations:
            self.assertNotEqual(sip.host_port(target)[1], 5060)
        self.lab.forget_flows()
        self.assert_reached(phone, registrations)
        self.lab.forget_flows()
        self.assert_sends(phone, registrations)

    def test_registered_twice_and_restarted(self):
        """N1 A5: a daemon that is killed and started again has the mappings at both uplinks."""
        phone, registrations = self.registered_twice()
        self.lab.kill_daemon()
        self.lab.start_daemon("--outside", "wan", "--outside", "wan2")
        self.lab.forget_flows()
        self.assert_reached(phone, registrations)

    def test_rules_of_every_kind(self):
        """A9: policy rules by source, port, protocol and input interface, and a second default route with a metric."""
        router, anywhere = self.lab.router, "192.0.2.30"  # a peer that both uplinks lead to
        for far in (self.second, self.lab.provider):
            far.run("ip", "address", "add", f"{anywhere}/32", "dev", "lo")
        router.run("ip", "route", "add", "default", "via", PROVIDER2, "dev", "wan2", "metric", "10")
        router.run("ip", "route", "add", "default", "via", PROVIDER, "dev", "wan", "table", "101")
        router.run("ip", "route", "del", "192.0.2.0/24")
        low, high = iter(range(5100, 5200)), iter(range(5200, 5300))

        def public_of_a_request(number, ports=low):
            """The address of the request at whichever end receives it."""
            phone = self.phone(number, port=next(ports), hop=(anywhere, 5060))
            peers = [sip.Agent(self.lab, far, anywhere, 5060, "peer") for far in (self.lab.provider, self.second)]
            phone.request("OPTIONS", phone.dialog(phone.user, (anywhere, 5060)))
            heard = wait_for(lambda: select.select([peer.udp.socket for peer in peers], [], [], 0)[0], 3,
                             "the request at one uplink")
            request = next(peer for peer in peers if peer.udp.socket in heard).hear("OPTIONS")
            for agent in (phone, *peers):
                agent.close()
            self.assertIn(f" {request.source[0]}:", request.get("Via"))
            return request.source[0]
        try:
            self.assertEqual(public_of_a_request(1), ROUTER_WAN)  # the default route without a metric
            router.run("ip", "route", "del", "default", "via", PROVIDER)
            wait_for(lambda: public_of_a_request(1) == ROUTER_WAN2, 3, "the second default route")
            for rule, number, ports in ((("from", PHONE1), 1, low), (("iif", "lan2"), 3, low),
                                        (("ipproto", "udp", "sport", "5200-5300"), 1, high)):
                with self.subTest(rule=rule):
                    router.run("ip", "rule", "add", *rule, "lookup", "101")
                    try:
                        wait_for(lambda: public_of_a_request(number, ports) == ROUTER_WAN, 3, "the rule to be followed")
                        self.assertEqual(public_of_a_request(2), ROUTER_WAN2)
                    finally:
                        router.run("ip", "rule", "del", *rule, "lookup", "101")
        finally:
            router.run("ip", "route", "replace", "default", "via", PROVIDER)
            router.run("ip", "route", "del", "default", "via", PROVIDER2, "metric", "10")
            router.run("ip", "route", "flush", "table", "101", check=False)
            router.run("ip", "route", "add", "192.0.2.0/24", "via", PROVIDER2)
            for far in (self.second, self.lab.provider):
                far.run("ip", "address", "del", f"{anywhere}/32", "dev", "lo")

    def test_firewall_marks(self):
        """A9: a rule by firewall mark decides about the uplink: the first message of a flow is dropped and repeated, and
        each one names the address that it has; also over TCP, and for requests of the peer."""
        router, anywhere = self.lab.router, "192.0.2.40"
        for far in (self.second, self.lab.provider):
            far.run("ip", "address", "add", f"{anywhere}/32", "dev", "lo")
        router.run("ip", "route", "add", f"{anywhere}/32", "via", PROVIDER)
        router.run("ip", "route", "add", "default", "via", PROVIDER2, "dev", "wan2", "table", "102")
        router.run("nft", "add", "table", "inet", "pbr", "{ chain pre { type filter hook prerouting priority mangle; "
                   f"ip saddr {PHONE1} ip daddr {anywhere} meta mark set 0x1; }}; }}")
        router.run("ip", "rule", "add", "fwmark", "1", "lookup", "102")
        try:
            phone, peer = self.phone(hop=(anywhere, 5060)), sip.Agent(self.lab, self.second, anywhere, 5060, "peer")
            stranger = sip.Agent(self.lab, self.lab.provider, anywhere, 5060, "peer")
            wait_for(lambda: "mark" in router.run("ip", "rule").stdout, 3, "the rule")
            for _ in range(3):
                raw = phone.request("OPTIONS", phone.dialog(phone.user, (anywhere, 5060)))
                if not select.select([peer.udp.socket], [], [], 0.5)[0]:
                    phone.udp.send(raw, (anywhere, 5060))  # as after T1
                request = peer.hear("OPTIONS")
                self.assertEqual(request.source[0], ROUTER_WAN2)
                self.assertIn(f" {ROUTER_WAN2}:", request.get("Via"))
                peer.reply(request, 200)
                phone.hear(200)
            self.assertEqual(stranger.udp.waiting(), [])
            target = f"sip:{phone.user}@{ROUTER_WAN2}:{request.source[1]}"
            peer.request("OPTIONS", peer.dialog(phone.user, request.source, target))
            phone.reply(phone.hear("OPTIONS"), 200)
            self.assertEqual(peer.hear(200).source, request.source)
            listener = self.lab.tcp_listener(self.second, anywhere, 5060)
            near = self.lab.tcp(self.lab.phone1, PHONE1, (anywhere, 5060))
            far = self.lab.kept(listener.accept())
            self.assertEqual(far.remote[0], ROUTER_WAN2)
            near.send(f"OPTIONS sip:{anywhere} SIP/2.0\r\nVia: SIP/2.0/TCP {PHONE1}:{near.local[1]};branch=z9hG4bKm1\r\n"
                      "From: <sip:a@b.c>;tag=1\r\nTo: <sip:b@b.c>\r\nCall-ID: marked\r\nCSeq: 1 OPTIONS\r\n"
                      "Content-Length: 0\r\n\r\n".encode())
            self.assertIn(f"TCP {ROUTER_WAN2}:", far.message().decode())
        finally:
            router.run("ip", "rule", "del", "fwmark", "1", "lookup", "102")
            router.run("ip", "route", "flush", "table", "102", check=False)
            router.run("ip", "route", "del", f"{anywhere}/32")
            router.run("nft", "delete", "table", "inet", "pbr")

    def test_a_rule_added_at_run_time(self):
        """A9: a policy rule changes the uplink for a pair that was asked for before; the next message names the other address."""
        router, anywhere = self.lab.router, "192.0.2.20"  # a peer that both uplinks lead to
        for far in (self.second, self.lab.provider):
            far.run("ip", "address", "add", f"{anywhere}/32", "dev", "lo")
        router.run("ip", "route", "add", "default", "via", PROVIDER, "dev", "wan", "table", "100")

        def public_of_a_request(port, far):
            phone = self.phone(port=port, hop=(anywhere, 5060))
            peer = sip.Agent(self.lab, far, anywhere, 5060, "peer")
            phone.request("OPTIONS", phone.dialog(phone.user, (anywhere, 5060)))
            request = peer.hear("OPTIONS")
            for agent in (phone, peer):
                agent.close()
            self.assertIn(f" {request.source[0]}:", request.get("Via"))
            return request.source[0]
        try:
            self.assertEqual(public_of_a_request(5060, self.second), ROUTER_WAN2)
            router.run("ip", "rule", "add", "to", anywhere, "lookup", "100")
            ports = iter(range(5070, 5100))  # a packet may overtake the kernel's notification
            wait_for(lambda: public_of_a_request(next(ports), self.lab.provider) == ROUTER_WAN, 3, "the rule to be followed")
        finally:
            router.run("ip", "rule", "del", "to", anywhere, "lookup", "100", check=False)


if __name__ == "__main__":
    main()
