#include "alg/call/session.hpp"

#include <doctest/doctest.h>

namespace sipalg::call {

namespace {

/// Every endpoint may be used except those with port 22; 198.51.100.1 is the ALG's own.
std::optional<Resolved> resolve(const Socket& socket) {
    if (socket.endpoint.port == 22) return std::nullopt;
    return Resolved{socket.endpoint, socket.endpoint.address == Address::v4(0xC6336401)};
}

Session read(const std::string& lines) {
    sdp::Description description;
    const std::string text =
        "v=0\r\no=- 1 1 IN IP4 203.0.113.11\r\ns=-\r\nc=IN IP4 203.0.113.11\r\nt=0 0\r\n" + lines;
    REQUIRE(description.parse(text));
    Session session;
    read_session(description, resolve, session);
    return session;
}

Endpoint at(std::uint16_t port) {
    return {Address::v4(0xCB00710B), port};
}

}  // namespace

TEST_CASE("D1 RTCP uses the next port, or the one in a=rtcp") {
    CHECK(read("m=audio 30000 RTP/AVP 0\r\n")[0].rtp == at(30000));
    CHECK(read("m=audio 30000 RTP/AVP 0\r\n")[0].rtcp == at(30001));
    CHECK(read("m=audio 30000 RTP/AVP 0\r\na=rtcp:30009\r\n")[0].rtcp == at(30009));
    CHECK(read("m=audio 30000 RTP/AVP 0\r\na=rtcp:30009 IN IP4 203.0.113.12\r\n")[0].rtcp ==
          Endpoint{Address::v4(0xCB00710C), 30009});
    CHECK(read("m=audio 30000 RTP/AVP 0\r\na=rtcp:30000\r\n")[0].rtcp.port == 0);  // the same as mux
    CHECK(read("m=audio 30000 RTP/AVP 0\r\na=rtcp-mux-only\r\n")[0].rtcp.port == 0);
    CHECK(read("m=image 30000 udptl t38\r\n")[0].rtcp.port == 0);
    CHECK(read("m=audio 65535 RTP/AVP 0\r\n")[0].rtcp.port == 0);
    CHECK(read("m=audio 21 RTP/AVP 0\r\n")[0].rtcp.port == 0);  // 22 is refused
}

TEST_CASE("D3 a stream that receives nothing has no port, and its kind is kept") {
    const Session s = read(
        "m=audio 0 RTP/AVP 0\r\nm=audio 0 RTP/AVP 0\r\na=bundle-only\r\nm=audio 9 UDP/TLS/RTP/SAVPF 0\r\n"
        "m=audio 30000 RTP/AVP 0\r\nc=IN IP4 224.0.0.1\r\nm=audio 30000 RTP/AVP 0\r\nc=IN IP4 "
        "media.example\r\n"
        "m=audio 22 RTP/AVP 0\r\nm=message 7000 TCP/MSRP *\r\na=setup:active\r\n");
    for (const Stream& stream : s)
        CHECK(stream.rtp.port == 0);
    CHECK(s[0].rejected);
    for (std::size_t i = 1; i < s.size(); ++i)
        CHECK_FALSE(s[i].rejected);
    CHECK(s[6].transport == Transport::tcp);
}

TEST_CASE("D3 the ways to put a stream on hold") {
    CHECK(read("m=audio 30000 RTP/AVP 0\r\na=inactive\r\n")[0].on_hold);
    CHECK(read("m=audio 30000 RTP/AVP 0\r\nc=IN IP4 0.0.0.0\r\n")[0].on_hold);
    CHECK_FALSE(read("m=audio 30000 RTP/AVP 0\r\na=sendonly\r\n")[0].on_hold);
    CHECK(read("m=audio 30000 RTP/AVP 0\r\na=sendonly\r\n")[0].one_way);
    CHECK(read("a=recvonly\r\nm=audio 30000 RTP/AVP 0\r\n")[0].one_way);
    CHECK_FALSE(read("a=recvonly\r\nm=audio 30000 RTP/AVP 0\r\na=sendrecv\r\n")[0].one_way);
}

TEST_CASE("C9 D5 an address of the ALG's own is a hairpin; rtcp-mux is noted") {
    CHECK(read("m=audio 30000 RTP/AVP 0\r\nc=IN IP4 198.51.100.1\r\n")[0].hairpin);
    CHECK_FALSE(read("m=audio 30000 RTP/AVP 0\r\n")[0].hairpin);
    CHECK(read("m=audio 30000 RTP/AVP 0\r\na=rtcp-mux\r\n")[0].rtcp_mux);
    CHECK(read("").empty());
}

namespace {

std::string further(const Stream& stream) {
    std::string text;
    for (const MediaSocket& further : stream.further)
        text += (further.socket.transport == Transport::tcp ? "t" : "u") +
                std::to_string(further.socket.endpoint.port) + (further.rtcp ? "c " : " ");
    return text;
}

}  // namespace

TEST_CASE("D1 host candidates, a=altc and a=path are further endpoints of their line") {
    const Stream ice = read(
        "m=audio 30000 RTP/SAVPF 0\r\na=candidate:1 1 UDP 1 203.0.113.11 30000 typ host\r\n"
        "a=candidate:1 2 UDP 1 203.0.113.11 30001 typ host\r\n"
        "a=candidate:2 1 UDP 1 203.0.113.11 31000 typ host\r\n"
        "a=candidate:2 2 UDP 1 203.0.113.11 31001 typ host\r\n"
        "a=candidate:3 1 TCP 1 203.0.113.11 9 typ host tcptype active\r\n"
        "a=candidate:4 1 TCP 1 203.0.113.11 31500 typ host tcptype passive\r\n"
        "a=candidate:5 1 UDP 1 203.0.113.99 32000 typ srflx raddr 203.0.113.11 rport 30000\r\n"
        "a=candidate:6 1 UDP 1 name.local 32000 typ host\r\n"
        "a=candidate:7 1 UDP 1 203.0.113.11 22 typ host\r\n")[0];
    CHECK(further(ice) == "u31000 u31001c t31500 ");
    CHECK(further(read("m=audio 30000 RTP/AVP 0\r\na=altc:1 IP4 203.0.113.11 30000\r\n"
                       "a=altc:2 IP4 203.0.113.11 30010\r\n")[0]) == "u30010 ");
    const std::string path = "a=path:msrp://203.0.113.11:2855/x;tcp\r\n";
    CHECK(further(read("m=message 2855 TCP/MSRP *\r\n" + path)[0]).empty());
    CHECK(further(read("m=message 9 TCP/MSRP *\r\na=setup:passive\r\n" + path)[0]) == "t2855 ");
    CHECK(further(read("m=message 9 TCP/MSRP *\r\na=setup:active\r\n" + path)[0]).empty());
}

TEST_CASE("D4 port/count means pairs for RTP and single ports for other protocols") {
    CHECK(further(read("m=audio 30000/3 RTP/AVP 0\r\n")[0]) == "u30002 u30003c u30004 u30005c ");
    CHECK(further(read("m=x 30000/3 udp y\r\n")[0]) == "u30001 u30002 ");
    CHECK(read("m=audio 30000/9 RTP/AVP 0\r\n")[0].rtp.port == 0);  // more than are mapped
    CHECK(further(read("m=audio 65534/2 RTP/AVP 0\r\n")[0]).empty());
}

TEST_CASE("D3 port 9 and 0.0.0.0 with candidates mean no default, not hold") {
    const std::string offer = "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\nc=IN IP4 0.0.0.0\r\n";
    CHECK(read(offer)[0].on_hold);
    const Stream ice = read(offer + "a=candidate:1 1 UDP 1 203.0.113.11 31000 typ host\r\n")[0];
    CHECK_FALSE(ice.on_hold);
    CHECK(ice.receives());
}

TEST_CASE("D5 the lines after the first one of a bundle are bundled") {
    const Session s = read(
        "a=group:BUNDLE a b\r\nm=audio 30000 RTP/AVP 0\r\na=mid:a\r\nm=video 30002 RTP/AVP "
        "31\r\na=mid:b\r\n");
    CHECK_FALSE(s[0].bundled);
    CHECK(s[1].bundled);
    CHECK(s[1].line == 1);
}

TEST_CASE("P2 a session whose roles are given is shared; a missing role is that of RFC 4145 4.1") {
    const SharedSession audio = read("m=audio 30000 RTP/AVP 0\r\n");
    CHECK(with_offer_setup(audio, nullptr).get() == audio.get());
    CHECK(with_answer_setup(audio, *audio).get() == audio.get());
    const SharedSession msrp = read("m=message 2855 TCP/MSRP *\r\n");
    const SharedSession offer = with_offer_setup(msrp, nullptr);
    CHECK((*msrp)[0].setup == Setup::unspecified);
    CHECK((*offer)[0].setup == Setup::active);
    CHECK((*with_answer_setup(msrp, *offer))[0].setup == Setup::passive);
    const SharedSession passive = read("m=message 2855 TCP/MSRP *\r\na=setup:passive\r\n");
    CHECK((*with_offer_setup(msrp, passive.get()))[0].setup == Setup::passive);
    CHECK((*with_answer_setup(msrp, *passive))[0].setup == Setup::active);
}

}  // namespace sipalg::call
