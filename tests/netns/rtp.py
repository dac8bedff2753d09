"""RTP and RTCP ends that send real headers and count the packets that they receive."""

import collections
import itertools
import struct

from netns import wait_for

_ssrc = itertools.count(0x51A10001)
Heard = collections.namedtuple("Heard", "ssrc sequence source")


class RtpPort:
    """A media end: a UDP port for RTP and, unless told otherwise, the next one for RTCP."""

    def __init__(self, lab, namespace, address, port, rtcp_port=None):
        self.rtp = lab.udp(namespace, address, port)
        self.rtcp = lab.udp(namespace, address, rtcp_port or self.rtp.port + 1)
        self.address, self.port = address, self.rtp.port
        self.ssrc = next(_ssrc)
        self.sequence = 0
        self.heard, self.heard_rtcp = [], []

    def send(self, to, count=1):
        for _ in range(count):
            self.sequence += 1
            self.rtp.send(struct.pack("!BBHII", 0x80, 0, self.sequence & 0xFFFF, self.sequence * 160, self.ssrc)
                          + bytes([0xFF]) * 160, to)

    def send_rtcp(self, to):
        """An empty receiver report."""
        self.rtcp.send(struct.pack("!BBHI", 0x80, 201, 1, self.ssrc), to)

    def listen(self):
        """Reads the packets that have arrived. True if there were any."""
        before = len(self.heard) + len(self.heard_rtcp)
        for data, source in self.rtp.waiting():
            first, _, sequence, _, ssrc = struct.unpack_from("!BBHII", data)
            assert first == 0x80 and len(data) == 172, f"not our RTP: {data[:20]!r}"
            self.heard.append(Heard(ssrc, sequence, source))
        for data, source in self.rtcp.waiting():
            _, kind, _, ssrc = struct.unpack_from("!BBHI", data)
            assert kind == 201, f"not our RTCP: {data[:20]!r}"
            self.heard_rtcp.append(Heard(ssrc, 0, source))
        return len(self.heard) + len(self.heard_rtcp) > before

    def forget(self):
        """Earlier packets no longer count."""
        self.listen()
        self.heard, self.heard_rtcp = [], []

    def hears_nothing(self):
        self.rtp.hears_nothing()
        self.rtcp.hears_nothing(0.01)


def expect(listener, talker, count, source, rtcp_source=None):
    """`listener` must get `count` packets of `talker` in order, all from `source` (address, port)."""
    who = f"{listener.address}:{listener.port}"

    def all_there():
        listener.listen()
        return len(listener.heard) >= count and (not rtcp_source or listener.heard_rtcp)
    try:
        wait_for(all_there, 3, f"{count} RTP packets")
    except AssertionError:
        raise AssertionError(f"{who} heard {len(listener.heard)} RTP packets of {count} and "
                             f"{len(listener.heard_rtcp)} RTCP packets") from None
    first = listener.heard[0].sequence
    assert [h.sequence for h in listener.heard] == [(first + i) & 0xFFFF for i in range(count)], \
        f"{who} heard {[h.sequence for h in listener.heard]}"
    for heard, wanted in [(h, source) for h in listener.heard] + [(h, rtcp_source) for h in listener.heard_rtcp]:
        assert heard.ssrc == talker.ssrc, f"{who} heard somebody else's media: {heard}"
        assert wanted is None or heard.source == wanted, f"{who} heard {heard.source}, was told {wanted}"


def exchange(left, left_told, right, right_told, count=25, rtcp=True, first="left"):
    """Both ends send to the address in the SDP that they received, and must receive packets from exactly that address.

    `left_told` is the sdp.Media that `left` received (where it sends, and where the other must appear from).
    """
    left.forget()
    right.forget()
    ends = [(left, left_told), (right, right_told)]
    if first == "right":
        ends.reverse()
    for _ in range(count):
        for end, told in ends:
            end.send((told.address, told.port))
    if rtcp:
        for end, told in ends:
            end.send_rtcp(told.rtcp)
    expect(left, right, count, (left_told.address, left_told.port), left_told.rtcp if rtcp else None)
    expect(right, left, count, (right_told.address, right_told.port), right_told.rtcp if rtcp else None)
