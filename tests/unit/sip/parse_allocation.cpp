// P1: parsing allocates nothing.
#include <doctest/doctest.h>

#include <new>
#include <string>

#include "alg/sdp/description.hpp"
#include "alg/sip/body.hpp"
#include "alg/sip/name_addr.hpp"
#include "alg/sip/splitter.hpp"
#include "alg/sip/uri.hpp"
#include "alg/sip/via.hpp"
#include "tests/allocations.hpp"

using namespace sipalg;

TEST_CASE("P1: reading a whole message allocates nothing") {
    std::string text =
        "INVITE sip:b@example.com SIP/2.0\r\n"
        "Via: SIP/2.0/UDP [2001:db8::1]:5060;branch=z9hG4bK1;rport,SIP/2.0/UDP %31.2.3.4\r\n"
        "From: \"A, B\" <sip:a@example.com>;tag=1\r\n"
        "To: <sip:b@example.com>\r\n"
        "Call-ID: c1\r\n"
        "CSeq: 1 INVITE\r\n"
        "Contact: <sip:a@192.168.1.10:5060;transport=udp>;expires=60, <sip:c@192.168.1.11>\r\n"
        "Authorization: Digest username=\"a\", qop=auth\r\n"
        "Content-Type: multipart/mixed;boundary=\"b\"\r\n"
        "\r\n"
        "--b\r\nContent-Type: application/sdp\r\n\r\nv=0\r\no=- 1 1 IN IP4 192.168.1.10\r\nc=IN IP6 "
        "2001:db8::1\r\n";
    for (int i = 0; i < 30; ++i)
        text += "m=audio 49170 RTP/AVP 0\r\na=candidate:1 1 UDP 1 192.168.1.10 8998 typ host\r\na=rtcp:1\r\n";
    text += "\r\n--b--\r\n";

    const std::size_t before = test::allocations;
    sip::Message message;
    const auto kind = sip::classify_datagram(text);
    const auto piece = sip::next_piece(text);
    const auto error = message.parse(text);
    std::size_t values = 0;
    for (const sip::Header& header : message.headers()) {
        std::string_view rest = header.value;
        if (header.id == sip::HeaderId::via)
            while (sip::next_via(rest))
                ++values;
        if (header.id == sip::HeaderId::contact)
            while (const auto value = sip::next_name_addr(rest))
                if (sip::parse_uri(value->uri)) ++values;
    }
    const sip::Bodies bodies = sip::find_sdp(message);
    sdp::Description description;
    const bool described = bodies.sdp.size() == 1 && description.parse(bodies.sdp[0].text);
    const std::size_t after = test::allocations;

    CHECK(after == before);
    CHECK(kind == sip::Kind::message);
    CHECK(piece.kind == sip::Kind::message);
    CHECK(error == sip::ParseError::none);
    CHECK(values == 4);
    CHECK(described);
    CHECK(description.media().size() == 30);
    ::operator delete(::operator new(1));  // unlike a new expression, no compiler may leave it out
    CHECK(test::allocations > after);
}
