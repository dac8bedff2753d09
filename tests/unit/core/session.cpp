#include "alg/call/session.hpp"

#include <doctest/doctest.h>

namespace sipalg::call {

namespace {

/// Everything is allowed but the port 22; 198.51.100.1 is one of our own.
std::optional<Resolved> resolve(const Socket& socket) {
    if (socket.endpoint.port == 22) return std::nullopt;
    return Resolved{socket.endpoint, socket.endpoint.address == Address::v4(0xC6336401)};
}

Session read(const std::string& lines) {
    sdp::Description description;
    const std::string text =
        "v=0\r\no=- 1 1 IN IP4 203.0.113.11\r\ns=-\r\nc=IN IP4 203.0.113.11\r\nt=0 0\r\n" + lines;
    REQUIRE(description.parse(text));
    return read_session(description, resolve);
}

Endpoint at(std::uint16_t port) {
    return {Address::v4(0xCB00710B), port};
}

}  // namespace

TEST_CASE("D1 RTCP is the next port, or where a=rtcp says") {
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

TEST_CASE("D3 what receives nothing has no port; why is told apart") {
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

TEST_CASE("D3 the forms of hold") {
    CHECK(read("m=audio 30000 RTP/AVP 0\r\na=inactive\r\n")[0].held);
    CHECK(read("m=audio 30000 RTP/AVP 0\r\nc=IN IP4 0.0.0.0\r\n")[0].held);
    CHECK_FALSE(read("m=audio 30000 RTP/AVP 0\r\na=sendonly\r\n")[0].held);
    CHECK(read("m=audio 30000 RTP/AVP 0\r\na=sendonly\r\n")[0].one_way);
    CHECK(read("a=recvonly\r\nm=audio 30000 RTP/AVP 0\r\n")[0].one_way);
    CHECK_FALSE(read("a=recvonly\r\nm=audio 30000 RTP/AVP 0\r\na=sendrecv\r\n")[0].one_way);
}

TEST_CASE("C9 D5 an address of our own is a hairpin; rtcp-mux is noted") {
    CHECK(read("m=audio 30000 RTP/AVP 0\r\nc=IN IP4 198.51.100.1\r\n")[0].hairpin);
    CHECK_FALSE(read("m=audio 30000 RTP/AVP 0\r\n")[0].hairpin);
    CHECK(read("m=audio 30000 RTP/AVP 0\r\na=rtcp-mux\r\n")[0].rtcp_mux);
    CHECK(read("").empty());
}

}  // namespace sipalg::call
