#!/usr/bin/python3
"""Calls of registered phones through a real provider: sipp and kamailio, as far as possible unaware of NAT."""

from labtest import MEDIA_SERVER, PHONE1, PROVIDER, LabTest, main, rtp, sip
import peers
from netns import wait_for


class ThroughKamailio(LabTest):
    @classmethod
    def prepare(cls):
        peers.start_kamailio(cls.lab)
        super().prepare()

    def registered(self, phone):
        answer = phone.register()
        self.assertEqual(answer.status, 200)
        return phone

    def hairpin(self, caller, callee, caller_ends=False):
        """A call between two registered phones, ended by the callee unless `caller_ends`; their media must not use the
        router's WAN interface."""
        self.registered(caller)
        self.registered(callee)
        dialog = caller.invite_with_password(callee.user, sip.sdp(caller.address, 40000))
        request = callee.hear("INVITE")
        callee_dialog = callee.accept(request)
        callee.reply(request, 180)
        callee.reply(request, 200, sip.sdp(callee.address, 40000))
        final = caller.confirm(dialog)
        callee.hear("ACK")
        caller_told, callee_told = final.media[0], request.media[0]
        self.assertEqual((caller_told.address, callee_told.address), (callee.address, caller.address))
        rtp.exchange(self.media(caller.address, 40000), caller_told, self.media(callee.address, 40000), callee_told)
        self.assertFalse([d for d in self.lab.captures["wan"].datagrams() if len(d.payload) == 172],
                         "media went over the WAN")
        one, other, its_dialog = (caller, callee, dialog) if caller_ends else (callee, caller, callee_dialog)
        self.bye(one, its_dialog, other)
        self.assert_no_pinholes(dialog.call_id)
        self.assert_no_inside_address_outside()


class ProviderCalls(ThroughKamailio):
    transport = "udp"
    calling_port = 5060

    def sipp(self, address, scenario, rtp_port=0, user="phone1", callee="", port=5060, remote=None):
        keys = (("media_address", address), ("rtp_port", rtp_port), ("from_user", user), ("to_user", callee))
        return peers.Sipp(self.lab, self.namespace(address), scenario, address, port, remote, user=user, keys=keys,
                          transport=self.transport)

    def told(self, where, call_id):
        """The media address that the host behind a capture has learned in a call."""
        def find():
            for datagram in reversed(self.lab.captures[where].messages()):
                if not datagram.outgoing and call_id.encode() in datagram.payload:
                    media = sip.Message(datagram.payload).media
                    if media:
                        return media[0]
            return None
        return wait_for(find, 5, f"an SDP to reach {where}")

    def acknowledged(self, where, call_id):
        wait_for(lambda: any(d.payload.startswith(b"ACK ") and call_id.encode() in d.payload
                             for d in self.lab.captures[where].messages() if not d.outgoing), 5, "the ACK")

    def register_peer(self, port=5070):
        peer = self.element(self.lab.provider, MEDIA_SERVER, port, "peer")
        self.assertEqual(peer.register().status, 200)
        peer.close()

    def element(self, namespace, address, port, user):
        return sip.Agent(self.lab, namespace, address, port, user, (PROVIDER, 5060))

    def call_in(self):
        """kamailio lets "peer" call phone1, both sipp; audio both ways; hung up by the caller."""
        callee = self.sipp(PHONE1, "callee.xml", 40000)
        caller = self.sipp(MEDIA_SERVER, "caller.xml", 30000, "peer", "phone1", 5070, (PROVIDER, 5060))
        call_id = caller.call_id()
        phone_told, peer_told = self.told("phone1", call_id), self.told("provider", call_id)
        self.acknowledged("phone1", call_id)
        rtp.exchange(self.media(PHONE1, 40000), phone_told, self.media(MEDIA_SERVER, 30000), peer_told, first="right")
        caller.nudge(call_id)
        caller.finish()
        callee.finish()
        self.assert_no_pinholes(call_id)
        self.assert_no_inside_address_outside()

    def test_outgoing(self):
        """C2: sipp registers with a password, calls out through kamailio and has RTP and RTCP both ways."""
        self.register_peer()
        self.sipp(PHONE1, "register.xml", remote=(PROVIDER, 5060)).finish()
        callee = self.sipp(MEDIA_SERVER, "callee.xml", 30000, "peer", port=5070)
        caller = self.sipp(PHONE1, "caller_with_password.xml", 40000, "phone1", "peer", self.calling_port, (PROVIDER, 5060))
        call_id = caller.call_id()
        phone_told = self.told("phone1", call_id)
        peer_told = next(m for d in reversed(self.lab.captures["provider"].messages())
                         if d.destination == (MEDIA_SERVER, 5070) or d.source[0] != PROVIDER
                         for m in sip.Message(d.payload).media if m.address != MEDIA_SERVER)
        rtp.exchange(self.media(PHONE1, 40000), phone_told, self.media(MEDIA_SERVER, 30000), peer_told)
        caller.nudge(call_id)
        caller.finish()
        callee.finish()
        self.assert_no_pinholes(call_id)
        self.assert_no_inside_address_outside()

    def test_incoming(self):
        """C8: a registered phone is called through kamailio; RTP and RTCP go both ways, the peer speaks first."""
        self.sipp(PHONE1, "register.xml", remote=(PROVIDER, 5060)).finish()
        self.call_in()

    def test_incoming_after_idle(self):
        """C8, CHECKLIST 3: a call reaches the phone although the registration's conntrack entry no longer exists."""
        self.sipp(PHONE1, "register.xml", remote=(PROVIDER, 5060)).finish()
        self.lab.forget_flows()
        self.assertFalse(self.lab.flows(f"src={PHONE1}"))
        self.call_in()

    def test_hairpin(self):
        """C9, CHECKLIST 22: two phones on one LAN call each other through the provider and talk directly."""
        self.hairpin(self.phone(1), self.phone(2))

    def test_hairpin_between_subnets(self):
        """C9, CHECKLIST 22: two phones on different inside subnets call each other through the provider; the router routes."""
        self.hairpin(self.phone(3), self.phone(1))


if __name__ == "__main__":
    main()
