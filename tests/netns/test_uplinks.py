#!/usr/bin/python3
"""A router with two uplinks: each message and each mapping has the address of the interface by which the packet
leaves."""

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

    def test_registered_twice(self):
        """N1 C8, CHECKLIST 23: one phone registered by both uplinks is reached by both, at the address of each."""
        phone = self.phone()
        for far, public in ((PROVIDER, ROUTER_WAN), (PROVIDER2, ROUTER_WAN2)):
            registrar = self.peer(far)
            request, _ = self.register(phone, registrar)
            self.assertEqual(sip.host_port(sip.uri_of(request.get("Contact")))[0], public)
            target = sip.uri_of(request.get("Contact"))
            registrar.request("OPTIONS", registrar.dialog(phone.user, sip.host_port(target), target))
            phone.reply(phone.hear("OPTIONS"), 200)
            registrar.hear(200)
        wait_for(lambda: {b["public"].split(":")[0] for b in self.lab.ctl("bindings")} == {ROUTER_WAN, ROUTER_WAN2}, 1,
                 "both bindings to be shown")

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
