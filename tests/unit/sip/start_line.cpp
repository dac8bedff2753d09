#include "alg/sip/start_line.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace sipalg::sip;

TEST_CASE("S9: start lines that name SIP and violate its grammar") {
    for (const std::string line :
         {"OPTIONS sip:b@c SIP/7.0", "OPTIONS SIP/2.0", "OPTIONS sip:b@c SIP/2.01",
          "OPTIONS sip:b\x7f SIP/2.0", "OPTIONS  SIP/2.0", "OPTIONS /path SIP/2.0", "OPTIONS * SIP/2.0",
          "OPTIONS <> SIP/2.0", "OPTIONS < SIP/2.0", "OPTIONS sip:b\rc SIP/2.0"})
        CHECK_MESSAGE(parse_start_line(line).kind == StartLine::Kind::malformed, line);
}

TEST_CASE("S9: odd white space and brackets of a request line do no harm (RFC 4475 3.1.2.7 to 3.1.2.10)") {
    const auto uri = [](const std::string& line) {
        const StartLine start = parse_start_line(line);
        REQUIRE_MESSAGE(start.kind == StartLine::Kind::request, line);
        CHECK(start.method == "OPTIONS");
        return std::string(start.request_uri);
    };
    CHECK(uri("OPTIONS sip:b@c SIP/2.0 ") == "sip:b@c");
    CHECK(uri("OPTIONS sip:b@c SIP/2.0 \t ") == "sip:b@c");
    CHECK(uri("OPTIONS  sip:b@c  SIP/2.0") == "sip:b@c");
    CHECK(uri("OPTIONS\tsip:b@c\tSIP/2.0") == "sip:b@c");
    CHECK(uri("OPTIONS <sip:b@c> SIP/2.0") == "sip:b@c");
    CHECK(uri("OPTIONS < sip:b@c > SIP/2.0") == "sip:b@c");
    CHECK(uri("OPTIONS <sip:b@c SIP/2.0") == "sip:b@c");
    CHECK(uri("OPTIONS sip:b@c; lr SIP/2.0") == "sip:b@c; lr");
    CHECK(uri("OPTIONS sip:b\t@c SIP/2.0") == "sip:b\t@c");
    CHECK(uri("OPTIONS 192.0.2.1 SIP/2.0") == "192.0.2.1");
    CHECK(uri("OPTIONS +49301@c SIP/2.0") == "+49301@c");
}

TEST_CASE("S7: the status line, with any reason or none") {
    CHECK(parse_start_line("SIP/2.0 200 OK").status == 200);
    CHECK(parse_start_line("SIP/2.0 699").status == 699);
    CHECK(parse_start_line("SIP/2.0 180 ").kind == StartLine::Kind::response);
}

TEST_CASE("S8: text without a SIP start line is not SIP") {
    for (const std::string line :
         {"", " ", "OPTIONS sip:b@c", "GET / HTTP/1.1", "HTTP/1.1 200 OK", "OPTIONS sip:b@c HTTP/1.1",
          " OPTIONS sip:b@c SIP/2.0", "OPT(ONS sip:b@c SIP/2.0", "SIP", "SIPP/2.0 200 OK", "aaaaaaaa"})
        CHECK_MESSAGE(parse_start_line(line).kind == StartLine::Kind::not_sip, line);
}
