#include "alg/testcall/sip_user.hpp"

#include <doctest/doctest.h>

#include "alg/sip/message.hpp"

using namespace sipalg;
using namespace sipalg::testcall;

TEST_CASE("O3 the messages of the test call are valid, and an answer belongs to its request") {
    const Endpoint own{*Address::parse("192.168.1.9"), 5060}, far{*Address::parse("198.51.100.10"), 5060};
    const SipUser phone("phone", own, Transport::udp), provider("provider", far, Transport::udp);
    Dialog dialog = phone.dialog("id", "provider", "sip:provider@" + far.text());
    const std::string invite = phone.request(dialog, "INVITE", description({own.address, 40000}));
    sip::Message read;
    REQUIRE(read.parse(invite) == sip::ParseError::none);
    CHECK(read.method_name() == "INVITE");
    CHECK(media_of(invite) == Endpoint{own.address, 40000});
    CHECK(end_of_uri(uri_in(header(invite, "Contact"))) == own);

    const Heard heard{invite, {*Address::parse("203.0.113.1"), 61000}};
    const std::string answer = provider.response(heard, 200, description({far.address, 30000}));
    sip::Message response;
    REQUIRE(response.parse(answer) == sip::ParseError::none);
    CHECK(response.call_id() == read.call_id());
    CHECK(response.top_via().branch == read.top_via().branch);
    CHECK(header(answer, "Via").ends_with(";received=203.0.113.1;rport=61000"));
    CHECK(header(answer, "To").ends_with(";tag=provider"));

    const unsigned number = dialog.cseq;
    CHECK(header(phone.request(dialog, "ACK"), "CSeq") == std::to_string(number) + " ACK");
    CHECK(header(phone.request(dialog, "BYE"), "CSeq") == std::to_string(number + 1) + " BYE");
}

TEST_CASE("O3 a URI or description that names no address has no end") {
    CHECK(end_of_uri("sip:a@[2001:db8::1]:5070;transport=tcp") ==
          Endpoint{*Address::parse("2001:db8::1"), 5070});
    CHECK(end_of_uri("sip:a@[2001:db8::1]") == Endpoint{*Address::parse("2001:db8::1"), 5060});
    CHECK(end_of_uri("sip:a@192.0.2.1") == Endpoint{*Address::parse("192.0.2.1"), 5060});
    CHECK(end_of_uri("sip:192.0.2.1:5080;transport=udp") == Endpoint{*Address::parse("192.0.2.1"), 5080});
    CHECK_FALSE(end_of_uri("sip:a@example.com"));
    CHECK_FALSE(end_of_uri(""));
    CHECK_FALSE(media_of("c=IN IP4 192.0.2.1\r\nm=audio 0 RTP/AVP 0\r\n"));
    CHECK_FALSE(media_of("m=audio 99999 RTP/AVP 0\r\n"));
    CHECK(header("A: 1\r\n", "Via").empty());
    CHECK(uri_in(">x<").empty());
}

TEST_CASE("O3 the messages of a test call over TCP and IPv6") {
    const Endpoint own{*Address::parse("2001:db8::9"), 5060};
    const SipUser phone("phone", own, Transport::tcp);
    Dialog dialog = phone.dialog("id", "provider", "sip:provider@[2001:db8::a]:5060");
    const std::string invite = phone.request(dialog, "INVITE", description({own.address, 40000}));
    sip::Message read;
    REQUIRE(read.parse(invite) == sip::ParseError::none);
    CHECK(header(invite, "Via").starts_with("SIP/2.0/TCP [2001:db8::9]:5060;"));
    CHECK(header(invite, "Contact") == "<sip:phone@[2001:db8::9]:5060;transport=tcp>");
    CHECK(media_of(invite) == Endpoint{own.address, 40000});
}
