#!/usr/bin/python3
"""Media over TCP: which side waits for the connection, and who may connect to it (RFC 4145, X11)."""

from labtest import MEDIA_SERVER, PHONE1, PROVIDER, STRANGER, LabTest, main, sip
from netns import Timeout

NEAR, FAR = 20000, 30000


def image(address, port, more=""):
    """A description of fax over TCP."""
    description = sip.sdp(address, ("image", port, more))
    return description.replace("RTP/AVP 0 101", "TCP t38").replace("a=rtpmap:0 PCMU/8000\r\n", "").replace(
        "a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\n", "")


class TcpMedia(LabTest):
    def talk(self, near, far):
        """Bytes both ways on a connection of media."""
        for one, other in ((near, far), (far, near)):
            one.send(b"page" * 100)
            other.expect(b"page" * 100)

    def cannot_connect(self, address, public):
        with self.assertRaises((Timeout, ConnectionError)):
            self.lab.tcp(self.namespace(address), address, public, timeout=0.4)

    def test_answer_waits(self):
        """D3 C2 C5 C7: a peer's offer without a=setup: the peer connects to the phone's port, others can't, nor can it after
        BYE."""
        phone, peer = self.phone(), self.peer()
        registration, _ = self.register(phone, peer)
        dialog = peer.invite(phone.user, image(MEDIA_SERVER, FAR), contact=registration.get("Contact"))
        request = phone.hear("INVITE")
        listener = self.lab.tcp_listener(self.lab.phone1, PHONE1, NEAR)
        phone_dialog = phone.accept(request)
        phone.reply(request, 200, image(PHONE1, NEAR))
        told = peer.confirm(dialog).media[0]
        phone.hear("ACK")
        public = told.address, told.port
        self.cannot_connect(STRANGER, public)
        self.cannot_connect(PROVIDER, public)
        far = self.lab.tcp(self.lab.provider, MEDIA_SERVER, public)
        self.talk(self.lab.kept(listener.accept()), far)
        phone.request("BYE", phone_dialog)
        peer.reply(peer.hear("BYE"), 200)
        phone.hear(200)
        self.assert_no_pinholes()
        self.cannot_connect(MEDIA_SERVER, public)

    def test_offerer_connects(self):
        """D3 X11: the phone's offer without a=setup: nobody can connect to its port; it connects to the peer's."""
        phone, peer = self.phone(), self.peer()
        self.register(phone, peer)
        listener = self.lab.tcp_listener(self.lab.phone1, PHONE1, NEAR)
        far_listener = self.lab.tcp_listener(self.lab.provider, MEDIA_SERVER, FAR)
        dialog = phone.invite(peer.user, image(PHONE1, NEAR), hop=(PROVIDER, 5060))
        request = peer.hear("INVITE")
        told = request.media[0]
        peer.reply(request, 180)
        phone.hear(180)
        self.cannot_connect(PROVIDER, (told.address, told.port))
        peer.reply(request, 200, image(MEDIA_SERVER, FAR))
        phone.confirm(dialog)
        peer.hear("ACK")
        self.assertEqual(self.pinholes(), [])
        for address in (PROVIDER, MEDIA_SERVER):
            self.cannot_connect(address, (told.address, told.port))
        near = self.lab.tcp(self.lab.phone1, PHONE1, (MEDIA_SERVER, FAR))
        self.talk(near, self.lab.kept(far_listener.accept()))
        listener.hears_nothing(0.01)


if __name__ == "__main__":
    main()
