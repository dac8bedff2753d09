#!/usr/bin/python3
"""RTCP, bundles and ICE candidates: which sockets of a media line are mapped and open."""

from labtest import PHONE1, PROVIDER, ROUTER_WAN, LabTest, main, rtp, sip


def candidates(body):
    """(address, port, type) of the UDP candidates of a description."""
    words = [line.split() for line in body.splitlines() if line.startswith("a=candidate:")]
    return [(w[4], int(w[5]), w[7]) for w in words if w[2].lower() == "udp"]


class Components(LabTest):
    def exchange_descriptions(self, offer, answer):
        """A call with these: (call, INVITE as the peer received it, 200 as the phone received it)."""
        phone, peer = self.phone(), self.peer()
        dialog = phone.invite(peer.user, offer, hop=(PROVIDER, 5060))
        request = peer.hear("INVITE")
        peer.reply(request, 200, answer)
        final = phone.confirm(dialog)
        peer.hear("ACK")
        return dialog, request, final

    def test_mux(self):
        """D5, CHECKLIST 20: RTCP has its pinhole until rtcp-mux is agreed, then RTP and RTCP share one."""
        voice, far = self.media(PHONE1, 40000), self.media(PROVIDER, 30000)
        dialog, request, final = self.exchange_descriptions(
            sip.sdp(PHONE1, ("audio", 40000, "a=rtcp-mux")), sip.sdp(PROVIDER, ("audio", 30000, "a=rtcp-mux")))
        self.assertEqual({p["component"] for p in self.pinholes(dialog.call_id)}, {"rtp"})
        rtp.exchange(voice, final.media[0], far, request.media[0], rtcp=False)
        far.send_rtcp((request.media[0].address, request.media[0].port + 1))
        voice.rtcp.hears_nothing()

    def test_mux_refused(self):
        """D5, CHECKLIST 20: without the answer's consent RTCP keeps its own port."""
        voice, far = self.media(PHONE1, 40000), self.media(PROVIDER, 30000)
        dialog, request, final = self.exchange_descriptions(
            sip.sdp(PHONE1, ("audio", 40000, "a=rtcp-mux")), sip.sdp(PROVIDER, 30000))
        rtp.exchange(voice, final.media[0], far, request.media[0])
        self.assertEqual({p["component"] for p in self.pinholes(dialog.call_id)}, {"rtp", "rtcp"})

    def test_bundle_only(self):
        """D3 D5, CHECKLIST 20: a bundle-only line keeps its port 0 and has no pinhole; the bundle's one port carries all."""
        voice, far = self.media(PHONE1, 40000), self.media(PROVIDER, 30000)
        session = "a=group:BUNDLE a v"
        dialog, request, final = self.exchange_descriptions(
            sip.sdp(PHONE1, ("audio", 40000, "a=mid:a\na=rtcp-mux"),
                    ("video", 0, "a=mid:v\na=bundle-only\na=rtcp-mux"), session=session),
            sip.sdp(PROVIDER, ("audio", 30000, "a=mid:a\na=rtcp-mux"), ("video", 30000, "a=mid:v\na=rtcp-mux"),
                    session=session))
        self.assertEqual([m.port for m in request.media][1], 0)
        self.assertIn("a=bundle-only", request.body)
        self.assertEqual({(p["inside"], p["component"]) for p in self.pinholes(dialog.call_id)},
                         {(f"{PHONE1}:40000", "rtp")})
        rtp.exchange(voice, final.media[0], far, request.media[0], rtcp=False)

    def test_ice(self):
        """D1 D2, CHECKLIST 6: host candidates of the phone are mapped, the default is one of them, others stay; media flow."""
        voice, far = self.media(PHONE1, 40000), self.media(PROVIDER, 30000)
        more = ("a=ice-ufrag:abcd\na=ice-pwd:abcdefghijklmnopqrstuv\n"
                f"a=candidate:1 1 UDP 2130706431 {PHONE1} 40000 typ host\n"
                f"a=candidate:1 2 UDP 2130706430 {PHONE1} 40001 typ host\n"
                f"a=candidate:2 1 UDP 1694498815 198.51.100.9 3478 typ relay raddr {PHONE1} rport 40000\n"
                "a=candidate:3 1 UDP 2130706175 5f2c.local 40000 typ host")
        dialog, request, final = self.exchange_descriptions(
            sip.sdp(PHONE1, ("audio", 40000, more)), sip.sdp(PROVIDER, 30000))
        told = request.media[0]
        found = candidates(request.body)
        self.assertEqual(told.address, ROUTER_WAN)
        self.assertIn((told.address, told.port, "host"), found)
        self.assertIn((told.address, told.port + 1, "host"), found)
        self.assertIn(("198.51.100.9", 3478, "relay"), found)
        self.assertIn(("5f2c.local", 40000, "host"), found)
        rtp.exchange(voice, final.media[0], far, told)


if __name__ == "__main__":
    main()
