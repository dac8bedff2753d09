#!/usr/bin/python3
"""Two uplinks, of which one is behind a box that translates 1:1: the outside sees another address than the router has
(N1)."""

from labtest import PHONE1, PROVIDER, ROUTER_WAN, Call, LabTest, main, sip
from netns import cable, wait_for

INNER, SEEN, FAR = "10.0.0.2", "198.51.100.1", "198.51.100.10"  # its own address, its address outside, a peer

MODEM = f"""
table ip modem {{
    chain prerouting {{
        type nat hook prerouting priority dstnat;
        iifname "net" ip daddr {SEEN} dnat to {INNER}
    }}
    chain postrouting {{
        type nat hook postrouting priority srcnat;
        oifname "net" ip saddr {INNER} snat to {SEEN}
    }}
}}
"""


class OneToOne(LabTest):
    @classmethod
    def prepare(cls):
        modem = cls.lab.uplink("modem", "wan2", INNER, "10.0.0.1")
        cls.far = cls.lab.new_namespace("far")
        cable(modem, "net", cls.far, "eth0")
        modem.address(f"{SEEN}/24", "net")
        cls.far.address(f"{FAR}/24", "eth0")
        modem.set("net/ipv4/ip_forward", 1)
        modem.run("ip", "route", "add", "default", "via", INNER)
        modem.run("nft", "-f", "-", text_in=MODEM)
        cls.lab.router.run("ip", "route", "add", "198.51.100.0/24", "via", "10.0.0.1")
        cls.lab.start_daemon("--outside", "wan", "--outside", "wan2", "--external-address", ROUTER_WAN,
                             "--external-address", SEEN)

    def namespace(self, address):
        return self.far if address == FAR else super().namespace(address)

    def assert_seen(self, message, public):
        self.assertIn(f" {public}:", message.get("Via"))
        self.assertEqual(sip.host_port(sip.uri_of(message.get("Contact")))[0], public)
        self.assertEqual(message.source[0], public)
        for address in (INNER, PHONE1):
            self.assertNotIn(address.encode(), message.raw)

    def test_calls_on_each(self):
        """N1, CHECKLIST 23: two calls of a phone at once, one by each uplink; media both ways, and each is closed
        separately."""
        phone = self.phone()
        calls = []
        for i, (far, public) in enumerate(((PROVIDER, ROUTER_WAN), (FAR, SEEN))):
            peer = self.peer(far)
            call = Call(self, phone, peer, self.media(PHONE1, 40000 + 10 * i), self.media(far, 30000))
            call.phone_dialog = phone.invite(peer.user, sip.sdp(PHONE1, call.phone_rtp.port), hop=(far, 5060))
            request = peer.hear("INVITE")
            self.assert_seen(request, public)
            self.assertEqual(request.media[0].address, public)
            final = call.answer(request, sip.sdp(far, 30000))
            self.assertIn(PHONE1, final.get("Via"))
            calls.append(call)
        for call in calls:
            call.exchange(first="right")
        self.assertEqual({p["public"].split(":")[0] for p in self.pinholes()}, {ROUTER_WAN, SEEN})
        calls[1].hang_up(by="peer")
        self.assert_no_pinholes(calls[1].id)
        calls[0].exchange()
        calls[0].hang_up()
        self.assert_closed(calls[0])

    def test_called(self):
        """N1 C8: a phone registered through the box is called at the address that the outside sees, although it was
        idle."""
        phone, registrar = self.phone(hop=(FAR, 5060)), self.peer(FAR)
        request, answer = self.register(phone, registrar)
        self.assert_seen(request, SEEN)
        self.assertEqual(sip.host_port(sip.uri_of(answer.get("Contact"))), (PHONE1, 5060))
        self.lab.forget_flows()
        call = Call(self, phone, registrar, self.media(PHONE1, 40000), self.media(FAR, 30000))
        call.peer_dialog = registrar.invite("phone1", sip.sdp(FAR, 30000), contact=request.get("Contact"))
        invite = phone.hear("INVITE")
        self.assertEqual(sip.host_port(invite.uri), (PHONE1, 5060))
        call.answer(invite, sip.sdp(PHONE1, 40000), by="phone")
        self.assertEqual(call.peer_told.address, SEEN)
        call.exchange(first="right")
        status = {a["interface"]: (a["address"], a["advertised"]) for a in self.lab.ctl("status")["addresses"]}
        self.assertEqual(status["wan2"], (INNER, SEEN))

    def test_called_without_server(self):
        """N1 N3: a phone with `listen` is reachable at every uplink, and is called through the box."""
        self.lab.stop_daemon()
        self.lab.start_daemon("--outside", "wan", "--outside", "wan2", "--external-address", ROUTER_WAN,
                              "--external-address", SEEN,
                              config=f"[peer {FAR}]\nallowed = yes\n[phone {PHONE1}]\nlisten = 5060\n")
        phone, peer = self.phone(), self.peer(FAR)
        peer.invite("phone1", sip.sdp(FAR, 30000), hop=(SEEN, 5060), target=f"sip:phone1@{SEEN}:5060")
        self.assertEqual(sip.host_port(phone.hear("INVITE").uri), (PHONE1, 5060))


class VirtualAddress(LabTest):
    """The router's interface has an address of its own and a shared one, as with VRRP; the owner translates to the shared one."""
    VIRTUAL, LENGTH, DEVICE = "203.0.113.2", 24, "wan"

    @classmethod
    def prepare(cls):
        cls.lab.router.address(f"{cls.VIRTUAL}/{cls.LENGTH}", cls.DEVICE)
        cls.lab.router.run("nft", "insert", "rule", "inet", "admin", "postrouting", "meta", "nfproto", "ipv4", "oifname", "wan",
                           "snat", "ip", "to", cls.VIRTUAL)
        cls.lab.empty_ruleset = cls.lab.ruleset()
        cls.lab.start_daemon("--outside", "wan", "--external-address", cls.VIRTUAL)

    def test_everything_is_at_that_address(self):
        """N1: messages name it, media arrive there before the phone has sent any, and a packet has it as its source."""
        call = self.call_in()
        self.assertEqual({p["public"].split(":")[0] for p in self.pinholes()}, {self.VIRTUAL})
        self.assertEqual(call.peer_told.address, self.VIRTUAL)
        call.exchange(first="right")
        for datagram in (d for d in self.lab.captures["wan"].messages() if d.outgoing):
            self.assertNotIn(f"{ROUTER_WAN}:".encode(), datagram.payload)
        call.hang_up(by="peer")
        self.assert_closed(call)

    def test_it_goes_to_another_router_and_comes_back(self):
        """N1, C11: the daemon goes on with the interface's own address, only writes the other one, and takes it again."""
        self.register(self.phone(), self.peer())
        self.lab.router.run("ip", "address", "del", f"{self.VIRTUAL}/{self.LENGTH}", "dev", self.DEVICE)
        public = lambda: {b["public"].split(":")[0] for b in self.lab.ctl("bindings")}  # noqa: E731
        try:
            wait_for(lambda: ROUTER_WAN in self.members_text("mappings_in"), 5, "the mapping to move")
        finally:
            self.lab.router.address(f"{self.VIRTUAL}/{self.LENGTH}", self.DEVICE)
        wait_for(lambda: ROUTER_WAN not in self.members_text("mappings_in"), 5, "the mapping to move back")
        self.assertEqual(public(), {self.VIRTUAL})

    def members_text(self, name):
        return " ".join(self.lab.members(name, "map"))


class VirtualAddressElsewhere(VirtualAddress):
    """The shared address belongs to an interface that is not outside: VRRP with an interface of its own, or a routed address."""
    LENGTH, DEVICE = 32, "lo"


if __name__ == "__main__":
    main()
