"""A small SIP element for tests: it sends exactly the bytes of the test, and stores every byte that it receives."""

import collections
import hashlib
import itertools
import os
import re

_serial = itertools.count(1)
Media = collections.namedtuple("Media", "type address port rtcp direction")


def token(what):
    return f"{what}{os.getpid()}x{next(_serial)}"


def host(address):
    """As it is written before a port."""
    return f"[{address}]" if ":" in address else address


def sdp(address, *media, session="", origin=None):
    """A session description. Each of `media` is a port, or (type, port, further lines)."""
    family = "IP6" if ":" in address else "IP4"
    lines = ["v=0", f"o=- 8000 8000 IN {family} {origin or address}", "s=-", f"c=IN {family} {address}", "t=0 0"]
    lines += [line for line in session.split("\n") if line]
    for medium in media:
        kind, port, more = ("audio", medium, "") if isinstance(medium, int) else medium
        lines += [f"m={kind} {port} RTP/AVP 0 101", "a=rtpmap:0 PCMU/8000",
                  "a=rtpmap:101 telephone-event/8000", "a=fmtp:101 0-15"]
        lines += [line for line in more.split("\n") if line]
    return "\r\n".join(lines) + "\r\n"


def media_of(body):
    """The m= lines of a session description as Media tuples (RFC 3264, RFC 3605)."""
    found, session, current = [], None, None
    for line in body.replace("\r\n", "\n").split("\n"):
        if line.startswith("m="):
            kind, port = line[2:].split()[:2]
            current = {"type": kind, "port": int(port), "address": session, "rtcp": None, "direction": "sendrecv"}
            found.append(current)
        elif line.startswith("c="):
            address = line.split()[2]
            if current is None:
                session = address
            else:
                current["address"] = address
        elif current is not None and line.startswith("a=rtcp:"):
            current["rtcp"] = line[7:].split()
        elif current is not None and line[2:] in ("sendrecv", "sendonly", "recvonly", "inactive"):
            current["direction"] = line[2:]
    for medium in found:
        rtcp = medium["rtcp"]
        medium["rtcp"] = ((rtcp[3] if len(rtcp) > 3 else medium["address"], int(rtcp[0])) if rtcp
                          else (medium["address"], medium["port"] + 1))
    return [Media(**m) for m in found]


class Message:
    """A SIP message as it arrived: `raw` has the bytes, `source` the (address, port) it came from."""

    def __init__(self, raw, source=None):
        self.raw, self.source = raw, source
        head, _, body = raw.partition(b"\r\n\r\n")
        lines = head.decode("utf-8", "surrogateescape").split("\r\n")
        self.start, self.body = lines[0], body.decode("utf-8", "surrogateescape")
        self.headers = [(n.strip().lower(), v.strip()) for n, _, v in (line.partition(":") for line in lines[1:])]
        first = self.start.split(" ")
        self.status = int(first[1]) if first[0] == "SIP/2.0" else None
        self.method = None if self.status else first[0]
        self.uri = None if self.status else first[1]

    def all(self, name):
        return [v for n, v in self.headers if n == name.lower()]

    def get(self, name):
        values = self.all(name)
        return values[0] if values else None

    @property
    def media(self):
        return media_of(self.body)

    @property
    def about(self):
        """Method that a request has or a response answers."""
        return self.get("CSeq").split()[1]

    def is_(self, what):
        return what in (self.status, self.method)


def uri_of(value):
    """The URI inside a header value."""
    match = re.search(r"<([^>]*)>", value)
    return match.group(1) if match else value.split(";")[0]


def host_port(uri):
    """(address, port) of a SIP URI."""
    match = re.match(r"sips?:(?:[^@]*@)?([0-9.]+|\[[^]]*\])(?::(\d+))?", uri)
    return match.group(1).strip("[]"), int(match.group(2) or 5060)


def tag_of(value):
    match = re.search(r";tag=([^;]+)", value)
    return match.group(1) if match else None


class Dialog:
    """The state of a dialog at one side (RFC 3261, section 12)."""

    def __init__(self, call_id, local, remote, target, hop, routes=()):
        self.call_id, self.local, self.remote = call_id, local, remote
        self.target, self.hop, self.routes = target, hop, list(routes)
        self.cseq = 0
        self.invite = None  # the last INVITE, sent or received

    def learn(self, response):
        """Tag, remote target and route set from a response, at the caller."""
        self.remote = response.get("To")
        if response.get("Contact"):
            self.target = uri_of(response.get("Contact"))
        self.routes = [uri_of(r) for v in reversed(response.all("Record-Route")) for r in reversed(v.split(","))]
        if not self.routes and response.get("Contact"):
            self.hop = host_port(self.target)


class Agent:
    """A phone or peer at one address:port. `hop` is the next hop of requests without another destination."""

    transport = "UDP"
    uri_parameters = ""  # of its Contact

    def __init__(self, lab, namespace, address, port=5060, user="alice", hop=None, domain="203.0.113.10"):
        self.address, self.port, self.user, self.hop, self.domain = address, port, user, hop, domain
        self.contact = f"<sip:{user}@{host(address)}:{port}{self.uri_parameters}>"
        self._early = []  # received, but not yet requested by the test
        self._open(lab, namespace)

    def _open(self, lab, namespace):
        self.udp = lab.udp(namespace, self.address, self.port)

    def close(self):
        self.udp.close()

    # Sending ------------------------------------------------------------------------------------------------

    def send(self, text, to):
        """Sends text or bytes unchanged; returns the bytes."""
        raw = text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape")
        self._transmit(raw, to)
        return raw

    def _transmit(self, raw, to):
        self.udp.send(raw, to)

    def _receive(self, timeout):
        """(bytes, source)"""
        return self.udp.receive(timeout)

    def _way_back(self, request, port):
        """The destination of a response; `port` is the one that the Via asks for."""
        return (request.source[0], port)

    def compose(self, start, headers, body=""):
        lines = [start, *(f"{n}: {v}" for n, v in headers)]
        if body:
            lines.append("Content-Type: application/sdp")
        lines.append(f"Content-Length: {len(body.encode())}")
        return "\r\n".join(lines) + "\r\n\r\n" + body

    def request(self, method, dialog, body="", more=(), branch=None, cseq=None):
        """Sends a request within `dialog` (or the one that opens it) and returns its bytes."""
        if cseq is None:
            if method not in ("ACK", "CANCEL"):
                dialog.cseq += 1
            cseq = dialog.cseq
        headers = [("Via", f"SIP/2.0/{self.transport} {host(self.address)}:{self.port};branch={branch or token('z9hG4bK')};rport"),
                   *[("Route", f"<{r}>") for r in dialog.routes],
                   ("Max-Forwards", "70"), ("From", dialog.local), ("To", dialog.remote),
                   ("Call-ID", dialog.call_id), ("CSeq", f"{cseq} {method}")]
        if method in ("INVITE", "UPDATE", "REGISTER"):
            headers.append(("Contact", self.contact))
        headers += more
        hop = host_port(dialog.routes[0]) if dialog.routes else dialog.hop
        raw = self.send(self.compose(f"{method} {dialog.target} SIP/2.0", headers, body), hop)
        if method == "INVITE":
            dialog.invite = Message(raw)
        return raw

    def dialog(self, user, hop=None, target=None):
        """A dialog that is not open yet, with the user `user`."""
        hop = hop or self.hop
        uri = target or f"sip:{user}@{host(hop[0])}:{hop[1]}"
        return Dialog(token("call-"), f"<sip:{self.user}@{self.domain}>;tag={token('t')}",
                      f"<sip:{user}@{self.domain}>", uri, hop)

    def invite(self, user, body="", hop=None, more=(), target=None, contact=None):
        """An INVITE; its dialog. To a `contact`, as its registrar has it, the INVITE goes directly."""
        if contact:
            target = uri_of(contact)
            hop = host_port(target)
        dialog = self.dialog(user, hop, target)
        self.request("INVITE", dialog, body, more)
        return dialog

    def invite_with_password(self, user, body, password="secret"):
        """An INVITE that a proxy challenges with 407; the dialog of the one with credentials."""
        dialog = self.invite(user, body)
        challenge = self.hear(407)
        self.ack(dialog, challenge)
        credentials = self.digest(challenge.get("Proxy-Authenticate"), "INVITE", dialog.target, password)
        self.request("INVITE", dialog, body, [("Proxy-Authorization", credentials)])
        return dialog

    def ack(self, dialog, final, body=""):
        """ACK for a final response: its own transaction for a 2xx, the INVITE's for others (RFC 3261 17.1.1.3)."""
        if final.status < 300:
            return self.request("ACK", dialog, body)
        branch = re.search(r"branch=([^;]+)", dialog.invite.get("Via")).group(1)
        later = Dialog(dialog.call_id, dialog.local, final.get("To"), dialog.invite.uri, dialog.hop)
        return self.request("ACK", later, cseq=dialog.invite.get("CSeq").split()[0], branch=branch)

    def confirm(self, dialog, body=""):
        """Receives the 200 to its INVITE, acknowledges it and returns it."""
        final = self.hear(200)
        dialog.learn(final)
        self.ack(dialog, final, body)
        return final

    def cancel(self, dialog):
        branch = re.search(r"branch=([^;]+)", dialog.invite.get("Via")).group(1)
        later = Dialog(dialog.call_id, dialog.local, dialog.invite.get("To"), dialog.invite.uri, dialog.hop)
        return self.request("CANCEL", later, cseq=dialog.invite.get("CSeq").split()[0], branch=branch)

    def reply(self, request, status, body="", more=(), tag=None, contact=True):
        """Sends a response to the place that the request's topmost Via names (RFC 3261 18.2.2, RFC 3581)."""
        vias = request.all("Via")
        sent_by = re.match(r"SIP/2.0/\w+ ([^;:[]+|\[[^]]*\])(?::(\d+))?", vias[0])
        port = int(sent_by.group(2) or 5060)
        top = vias[0]
        if re.search(r";rport(?=;|$)", top):
            port = request.source[1]
            top = re.sub(r";rport(?=;|$)", f";received={request.source[0]};rport={port}", top)
        elif sent_by.group(1).strip("[]") != request.source[0]:
            top += f";received={request.source[0]}"
        to = request.get("To")
        if status > 100 and not tag_of(to):
            to += f";tag={tag or hashlib.md5((self.user + request.get('Call-ID')).encode()).hexdigest()[:8]}"
        headers = [("Via", v) for v in [top, *vias[1:]]]
        headers += [("Record-Route", v) for v in request.all("Record-Route")]
        headers += [("From", request.get("From")), ("To", to), ("Call-ID", request.get("Call-ID")),
                    ("CSeq", request.get("CSeq"))]
        if contact and 100 < status < 300 and request.about in ("INVITE", "UPDATE"):
            headers.append(("Contact", self.contact))
        headers += more
        return self.send(self.compose(f"SIP/2.0 {status} {PHRASES.get(status, 'Answer')}", headers, body),
                         self._way_back(request, port))

    # Hearing ------------------------------------------------------------------------------------------------

    def hear(self, *what, timeout=3.0):
        """The next message that is one of `what` (methods, status codes); others are kept for later calls."""
        for message in self._early:
            if any(message.is_(w) for w in what):
                self._early.remove(message)
                return message
        while True:
            message = Message(*self._receive(timeout))
            if any(message.is_(w) for w in what):
                return message
            self._early.append(message)

    def accept(self, request):
        """The callee's view of the dialog that an INVITE opens."""
        to = request.get("To")
        tag = hashlib.md5((self.user + request.get("Call-ID")).encode()).hexdigest()[:8]
        routes = [uri_of(r) for v in request.all("Record-Route") for r in v.split(",")]
        target = uri_of(request.get("Contact"))
        dialog = Dialog(request.get("Call-ID"), to if tag_of(to) else f"{to};tag={tag}", request.get("From"), target,
                        host_port(target), routes)
        dialog.invite = request
        return dialog

    def register(self, hop=None, password="secret", expires=600, contact=None):
        """REGISTER, with digest authentication when asked; returns the final response."""
        hop = hop or self.hop
        dialog = Dialog(token("reg-"), f"<sip:{self.user}@{self.domain}>;tag={token('t')}",
                        f"<sip:{self.user}@{self.domain}>", f"sip:{self.domain}", hop)
        kept, self.contact = self.contact, contact or self.contact
        try:
            self.request("REGISTER", dialog, more=[("Expires", expires)])
            answer = self.hear(200, 401, 403, 423)
            if answer.status == 401:
                challenge = answer.get("WWW-Authenticate")
                self.request("REGISTER", dialog, more=[
                    ("Authorization", self.digest(challenge, "REGISTER", dialog.target, password)),
                    ("Expires", expires)])
                answer = self.hear(200, 403)
        finally:
            self.contact = kept
        return answer

    def digest(self, challenge, method, uri, password):
        """Credentials for a challenge without qop (RFC 2617)."""
        given = dict(re.findall(r'(\w+)="([^"]*)"', challenge))

        def md5(text):
            return hashlib.md5(text.encode()).hexdigest()
        response = md5(f"{md5(f'{self.user}:' + given['realm'] + ':' + password)}:{given['nonce']}:"
                       f"{md5(f'{method}:{uri}')}")
        return (f'Digest username="{self.user}", realm="{given["realm"]}", nonce="{given["nonce"]}", '
                f'uri="{uri}", response="{response}", algorithm=MD5')


PHRASES = {100: "Trying", 180: "Ringing", 183: "Session Progress", 200: "OK", 401: "Unauthorized",
           407: "Proxy Authentication Required", 423: "Interval Too Brief", 481: "Call Does Not Exist",
           486: "Busy Here", 487: "Request Terminated", 488: "Not Acceptable Here"}
