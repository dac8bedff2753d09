"""SIP messages of a phone and a provider, as either side of the router sees them."""

import re

PHONE, PEER, ROUTER = "192.168.1.10", "198.51.100.7", "203.0.113.1"


def sdp(host, port):
    return f"v=0\no=- 1 1 IN IP4 {host}\ns=-\nc=IN IP4 {host}\nt=0 0\nm=audio {port} RTP/AVP 0\n"


def message(first, host, cseq, body="", to_tag=False, call_id="one@test", contact="", more="", port=5060):
    """A request of the phone at `host`, or an answer to it."""
    head = (f"{first}\nVia: SIP/2.0/UDP {host}:{port};branch=z9hG4bK{cseq.replace(' ', '')}\n"
            f"From: <sip:a@example.com>;tag=f\nTo: <sip:b@example.com>{';tag=t' if to_tag else ''}\n"
            f"Call-ID: {call_id}\nCSeq: {cseq}\nMax-Forwards: 70\n{more}")
    if contact:
        head += f"Contact: <sip:{contact}>\n"
    if body:
        head += "Content-Type: application/sdp\n"
    length = len(body.replace("\n", "\r\n"))
    return f"{head}Content-Length: {length}\n\n{body}"


def invite(host, **rest):
    return message("INVITE sip:b@example.com SIP/2.0", host, "1 INVITE", sdp(host, 16000), contact=f"a@{host}", **rest)


def answer(host, media="198.51.100.8", **rest):
    return message("SIP/2.0 200 OK", host, "1 INVITE", sdp(media, 40000), True, contact=f"b@{PEER}", **rest)


def bye(host, **rest):
    return message(f"BYE sip:b@{PEER} SIP/2.0", host, "2 BYE", to_tag=True, **rest)


def bye_ok(host, **rest):
    return message("SIP/2.0 200 OK", host, "2 BYE", to_tag=True, **rest)


def call(host, media="198.51.100.8"):
    """(seconds, sent by the phone's side, text) of a whole call, seen where the phone is `host`."""
    return [(0.0, True, invite(host)),
            (0.1, False, message("SIP/2.0 180 Ringing", host, "1 INVITE", to_tag=True)),
            (2.0, False, answer(host, media)),
            (2.1, True, message(f"ACK sip:b@{PEER} SIP/2.0", host, "1 ACK", to_tag=True)),
            (12.0, True, bye(host)),
            (12.1, False, bye_ok(host))]


def as_sent_by_router(text, port, media_port):
    """A message of the phone, or an answer to it, as it is outside: with the router's address and ports in place of the
    phone's, and another length."""
    head, _, body = text.partition("\n\n")
    own = f"{ROUTER}:{port}"
    head = head.replace(f"{PHONE}:5060", own).replace(f"a@{PHONE}", f"a@{own}").replace(PHONE, ROUTER)
    body = body.replace(PHONE, ROUTER).replace("m=audio 16000", f"m=audio {media_port}")
    length = len(body.replace("\n", "\r\n"))
    return re.sub(r"Content-Length: \d+", f"Content-Length: {length}", head) + "\n\n" + body
