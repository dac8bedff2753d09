#include "alg/sip/via.hpp"

#include <doctest/doctest.h>

#include <vector>

using namespace sipalg;
using namespace sipalg::sip;

namespace {
std::vector<Via> all(std::string_view value) {
    std::vector<Via> result;
    while (const auto next = next_via(value))
        result.push_back(*next);
    CHECK(value.empty());
    return result;
}
}  // namespace

TEST_CASE("S4: a Via and the parameters that an ALG looks at") {
    const std::string_view text =
        "SIP/2.0/UDP 192.168.1.10:5062;rport;branch=z9hG4bK776asdhds;received=203.0.113.5";
    const auto v = all(text);
    REQUIRE(v.size() == 1);
    CHECK(v[0].text == text);
    CHECK(v[0].transport == "UDP");
    CHECK(v[0].sent_by.text == "192.168.1.10:5062");
    CHECK(v[0].sent_by.address == Address::v4(0xc0a8010a));
    CHECK(v[0].sent_by.port == 5062);
    CHECK(v[0].branch == "z9hG4bK776asdhds");
    CHECK(v[0].received == "203.0.113.5");
    REQUIRE(v[0].rport);
    CHECK(v[0].rport->empty());
    CHECK(v[0].rport->data() != nullptr);
    CHECK(v[0].parameters == "rport;branch=z9hG4bK776asdhds;received=203.0.113.5");
}

TEST_CASE("S4: an empty rport is the place for its value") {
    const std::string_view text = "SIP/2.0/UDP h;rport;branch=x";
    const auto v = all(text);
    CHECK(v[0].rport->data() == text.data() + text.find(";branch"));
    const std::string_view spaced = "SIP/2.0/UDP h; rport \r\n ";
    CHECK(all(spaced)[0].rport->data() == spaced.data() + spaced.find(" \r\n"));
    CHECK(all(spaced)[0].text == "SIP/2.0/UDP h; rport");
    const std::string_view open = "SIP/2.0/UDP h;rport= \t";
    CHECK(all(open)[0].rport->data() == open.data() + open.find(" \t"));
    CHECK(all("SIP/2.0/UDP h;rport=40000")[0].rport == "40000");
    CHECK(!all("SIP/2.0/UDP h;xrport=1")[0].rport);
}

TEST_CASE("S10: white space wherever LWS is allowed, and several values in a line") {
    const auto v =
        all("SIP  / 2.0\r\n /\tTCP     spindle.example.com   ;\r\n  branch  =   z9hG4bK9ikj8  ,\r\n"
            " sip/2.0/ UDP  192.168.255.111 : 5060  ; branch=\r\n z9hG4bK30239");
    REQUIRE(v.size() == 2);
    CHECK(v[0].transport == "TCP");
    CHECK(v[0].sent_by.text == "spindle.example.com");
    CHECK(!v[0].sent_by.port);
    CHECK(v[0].branch == "z9hG4bK9ikj8");
    CHECK(v[1].transport == "UDP");
    CHECK(v[1].sent_by.text == "192.168.255.111 : 5060");
    CHECK(v[1].sent_by.port == 5060);
    CHECK(v[1].branch == "z9hG4bK30239");
}

TEST_CASE("S10: IPv6 sent-by, received with and without brackets") {
    auto v = all("SIP/2.0/UDP [2001:db8::9:1]:6050;received=2001:db8::9:255;branch=z9hG4bKas3");
    REQUIRE(v.size() == 1);
    CHECK(v[0].sent_by.address == Address::parse("2001:db8::9:1"));
    CHECK(v[0].sent_by.port == 6050);
    CHECK(v[0].received == "2001:db8::9:255");
    CHECK(v[0].branch == "z9hG4bKas3");
    v = all("SIP/2.0/UDP [2001:db8::9:1];received=[2001:db8::9:255]");
    CHECK(v[0].received == "[2001:db8::9:255]");
}

TEST_CASE("S10: no parameters at all (RFC 2543), unknown transports, commas in quotes") {
    auto v = all("SIP/2.0/UDP iftgw.example.com");
    REQUIRE(v.size() == 1);
    CHECK(v[0].branch.empty());
    CHECK(!v[0].rport);
    CHECK(!v[0].received);
    CHECK(v[0].parameters.empty());
    CHECK(all("SIP/2.0/UNKNOWN t4.example.com;branch=z9hG4bKasd0f3en")[0].transport == "UNKNOWN");
    v = all("SIP/2.0/UDP a;x=\"1,2;branch=no\";branch=b1,SIP/2.0/UDP c;branch=b2");
    REQUIRE(v.size() == 2);
    CHECK(v[0].branch == "b1");
    CHECK(v[1].branch == "b2");
    CHECK(v[1].text == "SIP/2.0/UDP c;branch=b2");
}

TEST_CASE("S9: a Via that cannot be read ends the list") {
    for (const std::string_view bad :
         {"", "SIP", "SIP/2.0", "SIP/2.0/UDP", "SIP/2.0/UDP ", "SIP/2.0/ host", "SIP/7.0/UDP h",
          "HTTP/2.0/UDP h", "SIP/2.0/UDPhost", "SIP/2.0/UDP 2001:db8::1", "SIP/2.0/UDP [::1",
          "SIP/2.0/UDP h:65536", "SIP/2.0/UDP h x", "SIP/2.0/UDP ;branch=x", "SIP/2.0/UDP h:5060x",
          "SIP//UDP h"})
        CHECK_MESSAGE(all(bad).empty(), bad);
    const auto v = all("SIP/2.0/UDP 192.0.2.15;;,;,,");
    REQUIRE(v.size() == 1);
    CHECK(v[0].sent_by.address);
    CHECK(v[0].branch.empty());
}

TEST_CASE("S9: an empty port, or 0, counts as absent, and a stray quote is an ordinary byte") {
    for (const std::string_view text : {"SIP/2.0/UDP 192.0.2.1:;branch=x", "SIP/2.0/UDP 192.0.2.1:0;branch=x",
                                        "SIP/2.0/UDP 192.0.2.1: ;branch=x"}) {
        const auto v = all(text);
        REQUIRE_MESSAGE(v.size() == 1, text);
        CHECK(v[0].sent_by.address == Address::parse("192.0.2.1"));
        CHECK(!v[0].sent_by.port);
        CHECK(v[0].branch == "x");
    }
    const auto v = all("SIP/2.0/UDP h;y=\"open;branch=x");
    REQUIRE(v.size() == 1);
    CHECK(v[0].branch == "x");
}
