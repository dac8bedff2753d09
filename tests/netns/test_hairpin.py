#!/usr/bin/python3
"""Two phones inside that call each other through a provider that is a B2BUA: two calls, one conversation (C9)."""

from labtest import LabTest, main, rtp, sip
from netns import wait_for


class Bridge:
    """The provider's part: it repeats the messages of the caller to the callee in a second call, with tags of its
    own."""

    def __init__(self, peer, contacts):
        self.peer, self.contacts = peer, contacts  # public contacts by user

    def connect(self, caller, caller_dialog, callee):
        """Takes the INVITE that the caller has sent to its answer: (callee's dialog, the messages that each
        received)."""
        first = self.peer.hear("INVITE")
        self.to_caller = self.peer.accept(first)
        self.to_callee = self.peer.invite(callee.user, first.body, contact=self.contacts[callee.user])
        offered = callee.hear("INVITE")
        callee_dialog = callee.accept(offered)
        callee.reply(offered, 180)
        self.peer.hear(180)
        self.peer.reply(first, 180)
        caller.hear(180)
        callee.reply(offered, 200, sip.sdp(callee.address, 40000))
        answer = self.peer.hear(200)
        self.to_callee.learn(answer)
        self.peer.ack(self.to_callee, answer)
        callee.hear("ACK")
        self.peer.reply(first, 200, answer.body)
        final = caller.confirm(caller_dialog)
        self.peer.hear("ACK")
        return callee_dialog, offered, final

    def change(self, asking, asking_dialog, description, asked, answer):
        """A re-INVITE of one phone reaches the other through both calls: (the messages that the callee and the caller
        of the re-INVITE received)."""
        onward = self.to_callee if asking_dialog.call_id == self.to_caller.call_id else self.to_caller
        asking.request("INVITE", asking_dialog, description)
        first = self.peer.hear("INVITE")
        self.peer.request("INVITE", onward, first.body)
        offered = asked.hear("INVITE")
        asked.reply(offered, 200, answer)
        answered = self.peer.hear(200)
        self.peer.ack(onward, answered)
        asked.hear("ACK")
        self.peer.reply(first, 200, answered.body)
        final = asking.hear(200)
        asking.ack(asking_dialog, final)
        self.peer.hear("ACK")
        return offered, final

    def hang_up(self, phone, dialog, other):
        phone.request("BYE", dialog)
        self.peer.reply(self.peer.hear("BYE"), 200)
        phone.hear(200)
        self.peer.request("BYE", self.to_caller if dialog.call_id == self.to_callee.call_id else self.to_callee)
        other.reply(other.hear("BYE"), 200)
        self.peer.hear(200)


class Hairpin(LabTest):
    def talk(self, caller, callee):
        """A call from phone to phone, held and resumed, ended by the callee; media never leave by the WAN."""
        peer = self.peer()
        bridge = Bridge(peer, {phone.user: self.register(phone, peer)[0].get("Contact") for phone in (caller, callee)})
        dialog = caller.invite(callee.user, sip.sdp(caller.address, 40000), hop=(peer.address, peer.port))
        callee_dialog, offered, final = bridge.connect(caller, dialog, callee)
        self.assertNotEqual(dialog.call_id, callee_dialog.call_id)
        voices = self.media(caller.address, 40000), self.media(callee.address, 40000)

        def both_hear(offered, final):
            # Each from exactly the address in the description, which is the other phone's own.
            self.assertEqual((offered.media[0].address, final.media[0].address), (caller.address, callee.address))
            rtp.exchange(voices[0], final.media[0], voices[1], offered.media[0])
            rtp.exchange(voices[0], final.media[0], voices[1], offered.media[0], first="right")
        both_hear(offered, final)
        self.assertEqual([p for p in self.pinholes() if p["media"] == "audio"], [], "open for nobody outside")
        bridge.change(caller, dialog, sip.sdp(caller.address, ("audio", 40000, "a=sendonly")),
                      callee, sip.sdp(callee.address, ("audio", 40000, "a=recvonly")))
        both_hear(*bridge.change(caller, dialog, sip.sdp(caller.address, 40000), callee, sip.sdp(callee.address, 40000)))
        self.assertFalse([d for d in self.lab.captures["wan"].datagrams() if len(d.payload) == 172],
                         "media went over the WAN")
        bridge.hang_up(callee, callee_dialog, caller)
        wait_for(lambda: not self.calls() and not [p for p in self.pinholes() if p["media"] != "sip"], 1,
                 "both calls to close")
        self.assert_no_inside_address_outside()

    def test_on_one_lan(self):
        """C9, CHECKLIST 22: a B2BUA between two phones on one LAN: both talk directly, before and after a hold."""
        self.talk(self.phone(1), self.phone(2))

    def test_between_subnets(self):
        """C9, CHECKLIST 22: a B2BUA between phones on different inside subnets: the router routes their media."""
        self.talk(self.phone(1), self.phone(3))


if __name__ == "__main__":
    main()
