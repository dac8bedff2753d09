#!/usr/bin/python3
"""Two softphones inside that use ICE and have equal RTP ports call each other through the provider (C9)."""

import struct

import peers
from labtest import MEDIA_SERVER, PHONE1, PHONE2, PHONE3, PROVIDER, LabTest, main
from netns import wait_for

STUN = f"ice;stunserver=stun:{MEDIA_SERVER}:3478"
ENOUGH = 30  # packets of audio, each way


def audio(capture, outgoing):
    """Of the audio packets so far that left a phone, or that reached it: (SSRC, sequence number)."""
    return {struct.unpack_from("!2xH4xI", d.payload)[::-1] for d in capture.datagrams()
            if d.outgoing == outgoing and len(d.payload) == 172}


class IceHairpin(LabTest):
    @classmethod
    def prepare(cls):
        peers.start_kamailio(cls.lab)
        super().prepare()

    def arrived(self, sender, receiver):
        """The audio of one phone that reached the other, in packets."""
        return len(audio(self.lab.captures[sender], True) & audio(self.lab.captures[receiver], False))

    def talk(self, addresses, nat):
        """Calls both ways between phones with the RTP port 40000; every packet of audio must arrive."""
        phones = {f"phone{n}": peers.Baresip(self.lab, self.namespace(address), address, f"phone{n}", PROVIDER, 40000,
                                             nat=nat) for n, address in addresses.items()}
        ways = [tuple(phones), tuple(phones)[::-1]]
        for phone in phones.values():
            phone.says("200 OK")
        # In the second call the first one's mappings still linger; in the third one the roles are changed.
        for number, (caller, callee) in enumerate((ways[0], ways[0], ways[1]), 1):
            before = {way: self.arrived(*way) for way in ways}
            phones[caller].command("dial", f"sip:{callee}@{PROVIDER}")
            for way in ways:
                wait_for(lambda w=way, b=before: self.arrived(*w) >= b[w] + ENOUGH, 10,
                         f"audio from {way[0]} to {way[1]} in call {number}")
            phones[caller].command("hangup")
            for user, phone in phones.items():
                wait_for(lambda p=phone, n=number: p.process.output().count("EX=BareSip") >= n, 10,
                         f"call {number} of {user} to end")
        for sender, receiver in ways:
            sent = audio(self.lab.captures[sender], True)
            wait_for(lambda r=receiver, s=sent: not s - audio(self.lab.captures[r], False), 1,
                     f"all {len(sent)} packets of {sender} to arrive")
        self.assert_no_pinholes()
        for phone in phones.values():
            phone.quit()

    def test_host_candidates(self):
        """C9 D1 D2, CHECKLIST 6 22: ICE without a STUN server; no packet is lost, the second time neither."""
        self.talk({1: PHONE1, 2: PHONE2}, "ice")
        self.assert_no_inside_address_outside()

    def test_stun(self):
        """C9 S2, CHECKLIST 6 22: both phones ask a STUN server, and NAT gives the second one another port."""
        peers.start_stun_server(self.lab, MEDIA_SERVER)
        self.talk({1: PHONE1, 2: PHONE2}, STUN)

    def test_between_subnets(self):
        """C9 S2, CHECKLIST 6 22: the same through the router, from one inside subnet to another."""
        peers.start_stun_server(self.lab, MEDIA_SERVER)
        self.talk({1: PHONE1, 3: PHONE3}, STUN)


if __name__ == "__main__":
    main()
