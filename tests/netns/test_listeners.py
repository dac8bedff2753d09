#!/usr/bin/python3
"""Phones that send from one port and listen at another (S4), as the Cisco 79xx and Linksys SPA families do."""

import re

from labtest import PHONE1, PROVIDER, LabTest, main, sip
from netns import wait_for

SOURCE = 50933


class HighPortPhone(sip.Agent):
    """Sends everything from a high port, without rport, and listens only at 5060."""

    def _open(self, lab, namespace):
        super()._open(lab, namespace)
        self.out = lab.udp(namespace, self.address, SOURCE)

    def _transmit(self, raw, to):
        top = rb"(Via: SIP/2\.0/UDP " + re.escape(f"{self.address}:{self.port}".encode()) + rb"[^\r\n]*);rport"
        self.out.send(re.sub(top, rb"\1", raw), to)


class SourceServer(sip.Agent):
    """Answers to the source of a request, whatever its Via says (nat=force_rport)."""

    def _way_back(self, request, port):
        return request.source


class Listeners(LabTest):
    def phone(self):
        return HighPortPhone(self.lab, self.namespace(PHONE1), PHONE1, 5060, "phone1", (PROVIDER, 5060))

    def server(self, kind):
        return kind(self.lab, self.namespace(PROVIDER), PROVIDER, 5060, "peer")

    def check(self, kind):
        phone, server = self.phone(), self.server(kind)
        request, answer = self.register(phone, server)
        via = request.get("Via")
        self.assertRegex(via, f"203.0.113.1:{SOURCE};")
        self.assertNotIn("rport", via)
        self.assertRegex(answer.get("Via"), f"^SIP/2.0/UDP {PHONE1}:5060;")
        self.assertEqual(answer.source, (PROVIDER, 5060))
        # Requests of the server come to the source of the REGISTER, or to the Contact after its 2xx.
        for place in (request.source, sip.host_port(sip.uri_of(request.get("Contact")))):
            server.request("OPTIONS", server.dialog("phone1", place, sip.uri_of(request.get("Contact"))))
            asked = phone.hear("OPTIONS")
            self.assertEqual(sip.host_port(asked.uri), (PHONE1, 5060))
            phone.reply(asked, 200)
            server.hear(200)
        # The port from which the phone sends has received nothing.
        phone.out.hears_nothing()
        return phone, server, request

    def test_answers_to_the_via(self):
        """S4 X11, CHECKLIST 24: responses come back inside the flow of the request."""
        self.check(sip.Agent)

    def test_answers_to_the_source(self):
        """S4, CHECKLIST 24: a server that answers to the source reaches the port where the phone listens."""
        self.check(SourceServer)

    def test_calls(self):
        """S4 C6: calls in both directions, with all requests of the server sent to the source."""
        phone, server, request = self.check(SourceServer)
        call = self.call_out(phone, server)
        call.exchange()
        call.hang_up("phone")
        dialog = server.invite("phone1", sip.sdp(PROVIDER, 30000), hop=request.source,
                               target=sip.uri_of(request.get("Contact")))
        invite = phone.hear("INVITE")
        phone.reply(invite, 200, sip.sdp(PHONE1, 40002))
        final = server.hear(200)
        dialog.learn(final)
        dialog.hop = request.source
        server.ack(dialog, final)
        phone.hear("ACK")
        server.request("BYE", dialog)
        phone.reply(phone.hear("BYE"), 200)
        server.hear(200)
        wait_for(lambda: not self.lab.ctl("calls"), 3, "the call to end")
        phone.out.hears_nothing()

    def test_killed_daemon(self):
        """S4 A5: the next daemon knows where the phone listens."""
        phone, server, request = self.check(SourceServer)
        self.lab.kill_daemon()
        self.lab.start_daemon()
        server.request("OPTIONS", server.dialog("phone1", request.source, "sip:phone1@provider.test"))
        phone.hear("OPTIONS")


if __name__ == "__main__":
    main()
