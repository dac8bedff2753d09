"""Pairs of a phone and a peer that play call after call, and repeat messages until they arrive, as real ones do."""

import contextlib

import rtp
import sip
from lab import MEDIA_SERVER, PHONE1, PHONE1_6, PHONE2, PROVIDER, PROVIDER_6
from netns import Timeout
from sip_tcp import TcpAgent


KINDS = {  # transport, the phone's address and port, the peer's address; its port is 5060
    "udp": ("udp", PHONE1, 5060, PROVIDER),
    "other port": ("udp", PHONE1, 5066, MEDIA_SERVER),
    "tcp": ("tcp", PHONE2, 5060, PROVIDER),
    "IPv6": ("six", PHONE1_6, 5060, PROVIDER_6),
}


class Lost(AssertionError):
    """A message did not arrive, however often it was sent."""


class Pair:
    """A phone and its registrar, which is also the peer of its calls. Each step of play() is one transaction.

    `kind`: a row of KINDS.
    """

    def __init__(self, test, kind, rng):
        self.test, self.rng = test, rng
        self.transport, phone, port, peer = KINDS[kind]
        number = list(KINDS).index(kind)
        make = TcpAgent if self.transport == "tcp" else sip.Agent
        self.peer = make(test.lab, test.namespace(peer), peer, 5060, "peer")
        self.phone = make(test.lab, test.namespace(phone), phone, port, f"phone{number}", (peer, 5060))
        self.voice = rtp.RtpPort(test.lab, test.namespace(phone), phone, 40000 + 10 * number)
        self.far = rtp.RtpPort(test.lab, test.namespace(peer), peer, 30000 + 10 * number)
        self.registration = self.phone.dialog(self.phone.user)
        self.contact = None   # of the phone, as the registrar knows it
        self.ended = []       # (end, dialog, number of its BYE, the other end) of each call, for bury()
        self.calls = self.talks = 0

    # Messages -----------------------------------------------------------------------------------------------

    def deliver(self, send, receiver, what, dialog, cseq):
        """Sends until the receiver hears `what` with this Call-ID and number. Returns it."""
        for _ in range(12):
            with contextlib.suppress(ConnectionError):
                send()
            with contextlib.suppress(Timeout, ConnectionError):
                while True:
                    heard = receiver.hear(what, timeout=1.0 if self.transport == "tcp" else 0.4)
                    if heard.get("Call-ID") == dialog.call_id and heard.get("CSeq").split()[0] == str(cseq):
                        return heard
            self.reconnect()
        raise Lost(f"{self.transport}: {what} of {dialog.call_id} was lost twelve times")

    def reconnect(self):
        """After silence, TCP begins a new connection: the old one may have been reset while no daemon ran (T4)."""
        if self.transport == "tcp":
            for end in (self.phone, self.peer):
                while end.connections:
                    end.connections.pop().close()

    def ask(self, sender, receiver, method, dialog, body="", more=()):
        """A request that arrives; its number and the request."""
        dialog.cseq += 1
        cseq, branch = dialog.cseq, sip.token("z9hG4bK")
        heard = self.deliver(lambda: sender.request(method, dialog, body, more, branch=branch, cseq=cseq), receiver, method,
                             dialog, cseq)
        return cseq, heard

    def transaction(self, sender, receiver, method, dialog, body="", answer="", more=(), answer_more=()):
        """A request and its 200, both as they were received."""
        cseq, request = self.ask(sender, receiver, method, dialog, body, more)
        final = self.deliver(lambda: receiver.reply(request, 200, answer, answer_more), sender, 200, dialog, cseq)
        return request, final

    def invite(self, sender, receiver, dialog, offer, answer):
        request, final = self.transaction(sender, receiver, "INVITE", dialog, offer, answer)
        before = dialog.target, dialog.hop
        dialog.learn(final)
        if sender is self.peer and self.is_hidden(dialog.hop[0]):
            dialog.target, dialog.hop = before
        self.deliver(lambda: sender.request("ACK", dialog, cseq=dialog.cseq), receiver, "ACK", dialog, dialog.cseq)
        return request, final

    def is_hidden(self, address):
        """Whether it is the phone's own address, which the peer cannot reach: the message passed unread, because no
        daemon ran."""
        return self.transport != "six" and address == self.phone.address

    # What they do -------------------------------------------------------------------------------------------

    def register(self, expires=600):
        """`expires` 0 ends the registration."""
        self.registration.cseq += 1
        cseq, branch = self.registration.cseq, sip.token("z9hG4bK")
        more = [("Expires", str(expires))]
        request = self.deliver(lambda: self.phone.request("REGISTER", self.registration, more=more, branch=branch, cseq=cseq),
                               self.peer, "REGISTER", self.registration, cseq)
        self.contact = request.get("Contact")
        granted = [("Contact", f"{self.contact};expires={expires}")] if expires else []
        self.deliver(lambda: self.peer.reply(request, 200, more=granted), self.phone, 200, self.registration, cseq)

    def play(self):
        """Registers and plays one call, with a hold in some. A generator: the caller decides when each step happens."""
        self.register()
        yield
        incoming = self.rng.random() < 0.5 and not self.is_hidden(sip.host_port(sip.uri_of(self.contact))[0])
        near, far = (self.peer, self.phone) if incoming else (self.phone, self.peer)
        own, other = (self.far, self.voice) if incoming else (self.voice, self.far)
        if incoming:
            target = sip.uri_of(self.contact)
            hop = self.phone_hop(target)
            dialog = near.dialog(far.user, hop, target)
        else:
            dialog = near.dialog(far.user)

        def described(end, direction):
            return sip.sdp(end.address, ("audio", end.port, f"a={direction}"))
        self.calls += 1
        for direction in ["sendrecv", *(["inactive", "sendrecv"] if self.rng.random() < 0.4 else [])]:
            request, final = self.invite(near, far, dialog, described(own, direction), described(other, direction))
            yield
            if direction == "sendrecv":
                self.talk(own, final.media[0], other, request.media[0])
                yield
        if self.rng.random() < 0.3:
            self.register()
            yield
        dialog.cseq += 1
        number, branch = dialog.cseq, sip.token("z9hG4bK")
        self.ended.append((near, dialog, number, far))
        bye = self.deliver(lambda: near.request("BYE", dialog, branch=branch, cseq=number), far, "BYE", dialog, number)
        yield
        self.deliver(lambda: far.reply(bye, 200), near, 200, dialog, number)
        yield

    def phone_hop(self, target):
        """Where the peer sends to the phone: over TCP on the phone's own connection, while there is one."""
        hop = sip.host_port(target)
        if self.transport == "tcp" and self.peer.connections:
            self.peer.aliases = {hop: self.peer.connections[0]}
        return hop

    def talk(self, own, own_told, other, other_told):
        """Audio both ways, unless the phone's description passed unread while no daemon ran: the peer cannot reach it."""
        told_outside = own_told if own is self.far else other_told
        if self.is_hidden(told_outside.address):
            return
        rtp.exchange(own, own_told, other, other_told, count=3, first="left" if own is self.voice else "right")
        self.talks += 1

    def bury(self):
        """Ends calls whose BYE was answered while no daemon ran: it is sent and answered once more."""
        alive = self.test.calls()
        for near, dialog, number, far in self.ended:
            if dialog.call_id in alive:
                bye = self.deliver(lambda n=near, d=dialog, c=number: n.request("BYE", d, cseq=c), far, "BYE", dialog, number)
                self.deliver(lambda f=far, b=bye: f.reply(b, 200), near, 200, dialog, number)
        self.ended = []
