#include "alg/sdp/description.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <string>

using namespace sipalg;
using namespace sipalg::sdp;

namespace {

/// Keeps the text that the views point into.
struct Parsed {
    explicit Parsed(std::string t) : text(std::move(t)) { ok = d.parse(text); }
    const Media& m(std::size_t i) const {
        REQUIRE(i < d.media().size());
        return d.media()[i];
    }
    std::string text;
    Description d;
    bool ok = false;
};

std::string with_lf(std::string text) {
    std::erase(text, '\r');
    return text;
}

const std::string session =
    "v=0\r\n"
    "o=alice 2890844526 2890844527 IN IP4 192.168.1.10\r\n"
    "s=Call me, c=IN IP4 10.0.0.1 please\r\n"
    "c=IN IP4 192.168.1.10\r\n"
    "t=0 0\r\n";

}  // namespace

TEST_CASE("D1: the lines that an ALG reads, with CRLF, LF or no last line end") {
    const std::string text = session +
                             "m=audio 49170 RTP/AVP 0 8\r\n"
                             "a=rtpmap:0 PCMU/8000\r\n"
                             "a=rtcp:49171\r\n"
                             "m=video 51372/2 RTP/SAVPF 99\r\n"
                             "i=a title\r\n"
                             "c=IN IP4 192.168.1.11\r\n"
                             "a=sendonly";
    for (const std::string& form : {text, with_lf(text), text + "\r\n", text + "\n"}) {
        const Parsed p(form);
        REQUIRE(p.ok);
        CHECK(p.d.text() == form);
        CHECK(p.d.origin().text == "192.168.1.10");
        CHECK(p.d.origin().type == "IP4");
        CHECK(p.d.origin().address == Address::v4(0xc0a8010a));
        CHECK(p.d.origin_session() == "alice 2890844526");
        CHECK(p.d.origin_version() == "2890844527");
        REQUIRE(p.d.connections().size() == 1);
        CHECK(p.d.connections()[0].text == "192.168.1.10");
        REQUIRE(p.d.media().size() == 2);
        const Media& audio = p.m(0);
        CHECK(audio.type == "audio");
        CHECK(audio.port_text == "49170");
        CHECK(audio.port == 49170);
        CHECK(audio.port_count == 1);
        CHECK(audio.proto == "RTP/AVP");
        CHECK(audio.well_formed);
        CHECK(audio.direction == Direction::sendrecv);
        CHECK(p.d.connections(audio).empty());
        CHECK(p.d.connection(audio).text.data() == p.d.connections()[0].text.data());
        REQUIRE(audio.rtcp);
        CHECK(audio.rtcp->port == 49171);
        CHECK(audio.rtcp->address.text.empty());
        const Media& video = p.m(1);
        CHECK(video.port_text == "51372");
        CHECK(video.port_count == 2);
        CHECK(video.direction == Direction::sendonly);
        CHECK(!video.rtcp);
        CHECK(p.d.connection(video).address == Address::v4(0xc0a8010b));
    }
}

TEST_CASE("D1: text of another version, or text that is not a description") {
    for (const std::string text : {"", "\r\n", "v=1\r\n", "v=00\r\n", "v=3D0\r\n", "<sdp/>", "v", "v 0",
                                   "hello\r\nm=audio 1 RTP/AVP 0\r\n", "\xef\xbb\xbf"})
        CHECK_MESSAGE(!Parsed(text).ok, text);
    CHECK(Parsed("v=0").ok);
}

TEST_CASE("S9: a description with odd first lines is read") {
    for (const std::string begin :
         {"v=0 \r\n", "v=0\t\r\n", "v= 0\r\n", "\r\nv=0\r\n", "\n\nv=0\n", " v=0\r\n", "\xef\xbb\xbfv=0\r\n",
          "\xef\xbb\xbf\r\nv=0\r\n", "\r\n\xef\xbb\xbfv=0\r\n", "v=\r\n", "v =0\r\n", "", "s=-\r\nv=0\r\n"}) {
        INFO(begin);
        const Parsed p(begin +
                       "o=- 1 1 IN IP4 192.168.1.10\r\n c= IN IP4 192.168.1.10\r\nm = audio 16000 RTP/AVP "
                       "0\r\na= rtcp:16003\r\n");
        REQUIRE(p.ok);
        CHECK(p.d.text() == p.text);
        CHECK(p.d.origin().address == Address::parse("192.168.1.10"));
        CHECK(p.m(0).port == 16000);
        CHECK(p.d.connection(p.m(0)).address == Address::parse("192.168.1.10"));
        REQUIRE(p.m(0).rtcp);
        CHECK(p.m(0).rtcp->port == 16003);
    }
}

TEST_CASE("D1: unknown, empty and broken lines are skipped") {
    const Parsed p(session +
                   "\r\nx\r\n=\r\nc\r\na=\r\na=:\r\nm x=video 3227 RTP/AVP 31\r\nC=IN IP4 1.2.3.4\r\nm=audio "
                   "6000 RTP/AVP 0\r\n");
    REQUIRE(p.ok);
    CHECK(p.d.media().size() == 1);
    CHECK(p.d.connections().size() == 1);
}

TEST_CASE("S9: an IPv6 address in brackets") {
    const Parsed p(
        "v=0\r\nc=IN IP6 [2001:db8::1]\r\nm=audio 6000 RTP/AVP 0\r\na=rtcp:6005 IN IP6 [2001:db8::2]\r\n");
    REQUIRE(p.ok);
    CHECK(p.d.connection(p.m(0)).address == Address::parse("2001:db8::1"));
    CHECK(p.d.connection(p.m(0)).text == "2001:db8::1");
    REQUIRE(p.m(0).rtcp);
    CHECK(p.m(0).rtcp->address.address == Address::parse("2001:db8::2"));
}

TEST_CASE("D6: c= of either family, with names, ttl and count, several in a row") {
    const Parsed p(
        "v=0\r\nc=IN IP4 224.2.1.1/127/3\r\nc=IN IP4 host.example.com\r\nm=audio 1 RTP/AVP 0\r\nc=IN IP6 "
        "2001:db8::1\r\n"
        "c=IN IP6 ff15::101/3\r\nm=video 2 RTP/AVP 0\r\nc=ATM NSAP 47.0091\r\nm=x 3 y\r\nc=in ip4  192.0.2.1 "
        "\r\nc=\r\n");
    REQUIRE(p.ok);
    REQUIRE(p.d.connections().size() == 2);
    CHECK(p.d.connections()[0].text == "224.2.1.1");
    CHECK(p.d.connections()[0].address->is_multicast());
    CHECK(p.d.connections()[1].text == "host.example.com");
    CHECK(!p.d.connections()[1].address);
    const auto own = p.d.connections(p.m(0));
    REQUIRE(own.size() == 2);
    CHECK(own[0].address == Address::parse("2001:db8::1"));
    CHECK(own[0].type == "IP6");
    CHECK(own[1].text == "ff15::101");
    CHECK(p.d.connection(p.m(0)).text == "2001:db8::1");
    CHECK(!p.d.connection(p.m(1)).address);
    CHECK(p.d.connection(p.m(2)).text == "192.0.2.1");
    CHECK(p.d.connection(p.m(2)).type == "ip4");
    CHECK(p.d.connections(p.m(2))[1].text.empty());
    const Parsed none("v=0\nm=audio 1 RTP/AVP 0\n");
    CHECK(none.d.connection(none.m(0)).text.empty());
    CHECK(none.d.connections().empty());
}

TEST_CASE("D1: o= is read from its end") {
    Parsed p("v=0\r\no=user name with spaces 1 2 IN IP6 2001:db8::20\r\n");
    CHECK(p.d.origin_session() == "user name with spaces 1");
    CHECK(p.d.origin_version() == "2");
    CHECK(p.d.origin().address == Address::parse("2001:db8::20"));
    p = Parsed("v=0\no=- 1 2 IN IP4 host.example.com\n");
    CHECK(p.d.origin().text == "host.example.com");
    CHECK(!p.d.origin().address);
    p = Parsed("v=0\no=a 1 2 IN IP4 192.0.2.1\nm=audio 1 RTP/AVP 0\no=b 3 4 IN IP4 host.example\n");
    CHECK(p.d.origin_session() == "a 1");
    CHECK(p.d.origin().address == Address::parse("192.0.2.1"));
    p = Parsed("v=0\no=1.2.3.4\n");
    CHECK(p.ok);
    CHECK(!p.d.origin().address);
    CHECK(p.d.origin_session().empty());
}

TEST_CASE("D1: a c= with the address of o= is read independently of it") {
    const std::string media =
        "c=IN IP4 192.168.1.10\r\nm=audio 16000 RTP/AVP 0\r\na=rtcp:16003 IN IP4 192.168.1.10\r\n";
    for (const char* origin : {"o=- 1 1 IN IP4 192.168.1.10", "o=- 1 1 ATM NSAP 192.168.1.10",
                               "o=- 1 1 IN IP4 phone.example", "s=-"}) {
        INFO(origin);
        const Parsed p("v=0\r\n" + std::string(origin) + "\r\n" + media);
        REQUIRE(p.ok);
        CHECK(p.d.connection(p.m(0)).address == Address::parse("192.168.1.10"));
        REQUIRE(p.m(0).rtcp);
        CHECK(p.m(0).rtcp->address.address == Address::parse("192.168.1.10"));
    }
    const Parsed atm(
        "v=0\r\no=- 1 1 IN IP4 192.168.1.10\r\nc=ATM NSAP 192.168.1.10\r\nm=audio 16000 RTP/AVP 0\r\n");
    CHECK_FALSE(atm.d.connection(atm.m(0)).address);
}

TEST_CASE("D4: m= of every kind, and those that are not well formed") {
    const Parsed p(
        "v=0\r\n"
        "m=audio 0 RTP/AVP 0\r\nm=image 4000 udptl t38\r\nm=application 9 UDP/DTLS/SCTP "
        "webrtc-datachannel\r\n"
        "m=message 7394 TCP/MSRP *\r\nm=audio 65535 RTP/SAVP 0\r\nm=whatever 1/16 some/thing\r\n"
        "m=audio 65536 RTP/AVP 0\r\nm=audio x RTP/AVP 0\r\nm=audio\r\nm=audio 5000\r\nm=\r\nm=audio 5/0 "
        "RTP/AVP\r\n"
        "m=audio 5/x RTP/AVP\r\nm=audio -1 RTP/AVP\r\nm=audio 5/ RTP/AVP\r\n");
    REQUIRE(p.ok);
    REQUIRE(p.d.media().size() == 15);
    for (std::size_t i = 0; i < 15; ++i)
        CHECK_MESSAGE(p.m(i).well_formed == (i < 6), i);
    CHECK(p.m(1).proto == "udptl");
    CHECK(p.m(2).proto == "UDP/DTLS/SCTP");
    CHECK(p.m(2).port == 9);
    CHECK(p.m(4).port == 65535);
    CHECK(p.m(5).port_count == 16);
    CHECK(p.m(6).port == 0);
    CHECK(p.m(7).port == 0);
    CHECK(p.m(8).port_text.empty());
}

TEST_CASE("D3: direction and setup of a media, else of the session") {
    const Parsed p(
        "v=0\r\na=inactive\r\na=setup:actpass\r\nm=audio 1 RTP/AVP 0\r\nm=video 2 RTP/AVP 0\r\na=recvonly\r\n"
        "a=setup:passive\r\nm=x 3 RTP/AVP 0\r\na=sendrecv\r\na=setup: active \r\nm=y 4 RTP/AVP "
        "0\r\na=sendonly \r\n");
    CHECK(p.m(0).direction == Direction::inactive);
    CHECK(p.m(0).setup == "actpass");
    CHECK(p.m(1).direction == Direction::recvonly);
    CHECK(p.m(1).setup == "passive");
    CHECK(p.m(2).direction == Direction::sendrecv);
    CHECK(p.m(2).setup == "active");
    CHECK(p.m(3).direction == Direction::sendonly);
    // Some senders write names their own way.
    const Parsed odd("v=0\na=Inactive\nm=audio 1 RTP/AVP 0\nm=audio 2 RTP/AVP 0\na=SendRecv\na=RTCP:5\n");
    CHECK(odd.m(0).direction == Direction::inactive);
    CHECK(odd.m(1).direction == Direction::sendrecv);
    CHECK(odd.m(1).rtcp);
}

TEST_CASE("D1: a=rtcp with and without address") {
    const Parsed p(
        "v=0\r\nm=audio 1 RTP/AVP 0\r\na=rtcp:53020 IN IP6 2001:db8::5\r\na=rtcp:1\r\nm=video 2 RTP/AVP 0\r\n"
        "a=rtcp:65536\r\nm=video 3 RTP/AVP 0\r\na=rtcp-fb:96 nack\r\na=rtcp\r\na=rtcp:\r\na=rtcp-rsize\r\n");
    REQUIRE(p.m(0).rtcp);
    CHECK(p.m(0).rtcp->port == 53020);
    CHECK(p.m(0).rtcp->port_text == "53020");
    CHECK(p.m(0).rtcp->address.type == "IP6");
    CHECK(p.m(0).rtcp->address.address == Address::parse("2001:db8::5"));
    CHECK(!p.m(1).rtcp);
    CHECK(!p.m(2).rtcp);
}

TEST_CASE("D1: candidates") {
    const Parsed p(
        session +
        "m=audio 1 RTP/AVP 0\r\n"
        "a=candidate:1 1 UDP 2130706431 192.168.1.10 8998 typ host generation 0\r\n"
        "a=candidate:2 2 udp 1694498815 203.0.113.5 45665 typ srflx raddr 192.168.1.10 rport 8998\r\n"
        "a=candidate:3 1 TCP 1 2001:db8::1 9 typ HOST tcptype active\r\n"
        "m=video 2 RTP/AVP 0\r\n"
        "a=candidate:4 1 udp 1 3f4d8c1e.local 5000 typ host\r\n"
        "a=candidate:5 1 sctp 1 192.168.1.10 5000 typ host\r\n"
        "a=candidate:6 1 udp 1 192.168.1.10 65536 typ host\r\n"
        "a=candidate:7 256 udp 1 192.168.1.10 5000 typ host\r\n"
        "a=candidate:8 1 udp 1 192.168.1.10 5000 host\r\n"
        "a=candidate:9\r\n"
        "a=candidate\r\n");
    REQUIRE(p.ok);
    const auto c = p.d.candidates(p.m(0));
    REQUIRE(c.size() == 3);
    CHECK(c[0].component == 1);
    CHECK(!c[0].tcp);
    CHECK(c[0].host);
    CHECK(c[0].port == 8998);
    CHECK(c[0].port_text == "8998");
    CHECK(c[0].address.text == "192.168.1.10");
    CHECK(c[0].address.address == Address::v4(0xc0a8010a));
    CHECK(c[0].address.type.empty());
    CHECK(c[1].component == 2);
    CHECK(!c[1].host);
    CHECK(c[2].tcp);
    CHECK(c[2].host);
    CHECK(c[2].address.address->is_v6());
    REQUIRE(p.d.candidates(p.m(1)).size() == 1);
    CHECK(!p.d.candidates(p.m(1))[0].address.address);
    CHECK(p.d.candidates(p.m(1))[0].address.text == "3f4d8c1e.local");
}

TEST_CASE("D5: rtcp-mux, bundle-only, and the media lines that share a transport in a BUNDLE") {
    const Parsed p(
        "v=0\r\na=group:LS a v\r\na=group:BUNDLE a v d\r\na=group:BUNDLE x  y\r\na=group:BUNDLE\r\n"
        "m=audio 1 RTP/AVP 0\r\na=mid:a\r\na=rtcp-mux\r\n"
        "m=video 0 RTP/AVP 0\r\na=mid:v\r\na=bundle-only\r\na=rtcp-mux-only\r\n"
        "m=audio 3 RTP/AVP 0\r\n"
        "m=audio 4 RTP/AVP 0\r\na=mid:y\r\n"
        "m=audio 5 RTP/AVP 0\r\na=mid:x\r\n"
        "m=audio 6 RTP/AVP 0\r\na=mid:BUNDLE\r\n");
    REQUIRE(p.ok);
    CHECK(p.m(0).rtcp_mux);
    CHECK(!p.m(0).rtcp_mux_only);
    CHECK(!p.m(0).bundle_only);
    CHECK(p.m(0).mid == "a");
    CHECK(!p.d.bundled(p.m(0)));
    CHECK(p.m(1).bundle_only);
    CHECK(p.m(1).rtcp_mux_only);
    CHECK(!p.m(1).rtcp_mux);
    CHECK(p.d.bundled(p.m(1)));
    CHECK(!p.d.bundled(p.m(2)));
    CHECK(p.d.bundled(p.m(3)));
    CHECK(!p.d.bundled(p.m(4)));
    CHECK(!p.d.bundled(p.m(5)));
}

TEST_CASE("D1: a=path and a=altc") {
    const Parsed p(
        "v=0\r\nm=message 7394 TCP/MSRP *\r\na=path:msrp://192.168.1.10:7394/2s93i9ek2a;tcp\r\n"
        "m=audio 1 RTP/AVP 0\r\na=altc:1 IP6 2001:db8::1 45678\r\na=altc:2 IP4 192.0.2.1 12340\r\na=altc:3 "
        "IP4 192.0.2.1\r\n");
    REQUIRE(p.ok);
    CHECK(p.m(0).path == "msrp://192.168.1.10:7394/2s93i9ek2a;tcp");
    CHECK(p.d.altc(p.m(0)).empty());
    const auto altc = p.d.altc(p.m(1));
    REQUIRE(altc.size() == 2);
    CHECK(altc[0].address.type == "IP6");
    CHECK(altc[0].address.address == Address::parse("2001:db8::1"));
    CHECK(altc[1].port == 12340);
    CHECK(altc[1].port_text == "12340");
}

TEST_CASE("X7: every table of a description has a limit; beyond most limits the description is not used") {
    const std::string connection = "c=IN IP4 192.0.2.1\r\n";
    std::string full = "v=0\r\nm=audio 1 RTP/AVP 0\r\n";
    for (std::size_t i = 0; i < Description::max_connections; ++i)
        full += connection;
    CHECK(Parsed(full).ok);
    CHECK(!Parsed(full + connection).ok);
    // Candidates and alternatives beyond the bound cost only themselves (S9).
    std::string text = "v=0\r\nm=audio 1 RTP/AVP 0\r\n";
    for (std::size_t i = 0; i < Description::max_candidates + 50; ++i)
        text += "a=candidate:1 1 UDP 1 192.0.2.1 1 typ host\r\na=altc:1 IP4 192.0.2.1 1\r\n";
    const Parsed many(text + "m=video 2 RTP/AVP 0\r\na=candidate:1 1 UDP 1 192.0.2.1 1 typ host\r\n");
    REQUIRE(many.ok);
    CHECK(many.d.candidates(many.m(0)).size() == Description::max_candidates);
    CHECK(many.d.altc(many.m(0)).size() == Description::max_altc);
    CHECK(many.m(1).port == 2);
    CHECK(many.d.candidates(many.m(1)).empty());
    // So do media lines, with what belongs to them.
    std::string lines = "v=0\r\n";
    for (std::size_t i = 0; i < Description::max_media; ++i)
        lines += "m=audio 1 RTP/AVP 0\r\n";
    const Parsed most(lines + "m=audio 2 RTP/AVP 0\r\n" + connection + "a=sendonly\r\n");
    REQUIRE(most.ok);
    CHECK(most.d.media().size() == Description::max_media);
    CHECK(most.m(Description::max_media - 1).direction == Direction::sendrecv);
    CHECK(most.d.connections(most.m(Description::max_media - 1)).empty());
    std::string groups = "v=0\n";
    for (std::size_t i = 0; i < Description::max_groups; ++i)
        groups += "a=group:BUNDLE a b\n";
    CHECK(Parsed(groups).ok);
    CHECK(!Parsed(groups + "a=group:BUNDLE a b\n").ok);
}

TEST_CASE("D1: a reused description has nothing of the previous one; copies are independent") {
    Parsed p(session + "a=group:BUNDLE a b\r\nm=audio 1 RTP/AVP 0\r\nc=IN IP4 1.2.3.4\r\na=mid:b\r\n");
    REQUIRE(p.d.bundled(p.m(0)));
    const auto copy = std::make_unique<Description>(p.d);
    REQUIRE(p.d.parse("v=0\r\nm=video 2 RTP/AVP 0\r\na=mid:b\r\n"));
    CHECK(p.d.origin().text.empty());
    CHECK(p.d.connections().empty());
    CHECK(p.m(0).type == "video");
    CHECK(!p.d.bundled(p.m(0)));
    REQUIRE(copy->media().size() == 1);
    CHECK(copy->connection(copy->media()[0]).text == "1.2.3.4");
    CHECK(copy->bundled(copy->media()[0]));
}
