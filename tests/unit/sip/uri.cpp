#include "alg/sip/uri.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace sipalg;
using namespace sipalg::sip;

TEST_CASE("S10: host and port with and without port") {
    auto hp = parse_host_port("192.168.1.10:5060");
    REQUIRE(hp);
    CHECK(hp->text == "192.168.1.10:5060");
    CHECK(hp->host == "192.168.1.10");
    CHECK(hp->address == Address::v4(0xc0a8010a));
    CHECK(hp->port == 5060);

    hp = parse_host_port("example.com");
    REQUIRE(hp);
    CHECK(hp->text == "example.com");
    CHECK(!hp->address);
    CHECK(!hp->port);

    hp = parse_host_port(" host_1.example.com \r\n : \t5061 ");
    REQUIRE(hp);
    CHECK(hp->host == "host_1.example.com");
    CHECK(hp->text == "host_1.example.com \r\n : \t5061");
    CHECK(hp->port == 5061);
}

TEST_CASE("S10: IPv6 references") {
    auto hp = parse_host_port("[2001:db8::9:1]:6050");
    REQUIRE(hp);
    CHECK(hp->host == "[2001:db8::9:1]");
    CHECK(hp->address == Address::parse("2001:db8::9:1"));
    CHECK(hp->port == 6050);
    hp = parse_host_port("[2001:db8::10:5070]");
    REQUIRE(hp);
    CHECK(hp->address == Address::parse("2001:db8::10:5070"));
    CHECK(!hp->port);
    CHECK(parse_host_port("[::ffff:192.0.2.2]")->address == Address::parse("::ffff:192.0.2.2"));
    for (const std::string_view bad : {"2001:db8::10", "[2001:db8:::192.0.2.1]", "[2001:db8::1", "[]",
                                       "[192.0.2.1]", "[::1]x", "[fe80::1%eth0]", "2001:db8::1]"})
        CHECK_MESSAGE(!parse_host_port(bad), bad);
}

TEST_CASE("S10: an escaped address literal is an address, an escaped name is not") {
    CHECK(parse_host_port("%31%39%32.168.1%2e10")->address == Address::v4(0xc0a8010a));
    CHECK(parse_host_port("192.168.1.1%30")->address == Address::v4(0xc0a8010a));
    CHECK(parse_host_port("192.168.1.1%30:5060")->host == "192.168.1.1%30");
    CHECK(!parse_host_port("ex%61mple.com")->address);
    CHECK(!parse_host_port("192.168.1.1%3")->address);
    CHECK(!parse_host_port("192.168.1.1%zz")->address);
    CHECK(!parse_host_port("%31%31%31%31%31%31%31%31%31%31%31%31%31%31%31%31%31%31")->address);
    for (const std::string_view name : {"192.168.1", "192.168.1.256", "192.168.1.10.", "192.168.01.10", "1",
                                        "192.168.1.10.example.com", "3com.example"}) {
        const auto hp = parse_host_port(name);
        REQUIRE_MESSAGE(hp, name);
        CHECK_MESSAGE(!hp->address, name);
    }
}

TEST_CASE("S9: hosts and ports that cannot be read") {
    for (const std::string_view bad :
         {"", " ", ":5060", "host:65536", "host:99999999999999999999", "host:-1", "host:5060x", "host:50 60",
          "ho st", "host,", "a@b", "host;x", "<host>", "host:5060:5061", "\xc3\xa4.example"})
        CHECK_MESSAGE(!parse_host_port(bad), bad);
    // An empty port, or 0, counts as absent.
    for (const std::string_view odd : {"192.0.2.1:", "192.0.2.1:0", "192.0.2.1 : 00"}) {
        const auto hp = parse_host_port(odd);
        REQUIRE_MESSAGE(hp, odd);
        CHECK(hp->text == odd);
        CHECK(hp->address == Address::parse("192.0.2.1"));
        CHECK(!hp->port);
    }
    CHECK(parse_host_port("host:65535")->port == 65535);
    CHECK(parse_host_port("host:1")->port == 1);
    CHECK(parse_host_port("host:0005060")->port == 5060);
}

TEST_CASE("S10: a sip URI and its parts") {
    const std::string_view text =
        "sip:alice:secret@192.168.1.10:5062;transport=tcp;lr?subject=x&to=sip%3Ab%40c";
    const auto uri = parse_uri(text);
    REQUIRE(uri);
    CHECK(uri->scheme == Uri::Scheme::sip);
    CHECK(uri->text == text);
    CHECK(uri->user == "alice:secret");
    CHECK(uri->host_port.text == "192.168.1.10:5062");
    CHECK(uri->host_port.address == Address::v4(0xc0a8010a));
    CHECK(uri->host_port.port == 5062);
    CHECK(uri->parameters == "transport=tcp;lr");
    CHECK(uri->headers == "subject=x&to=sip%3Ab%40c");
}

TEST_CASE("S10: schemes in any case; other schemes have no host") {
    CHECK(parse_uri("SIPS:bob@example.com")->scheme == Uri::Scheme::sips);
    CHECK(parse_uri("Sip:example.com")->user.empty());
    CHECK(parse_uri("sip:example.com?Route=%3Csip:a%3E")->headers == "Route=%3Csip:a%3E");
    const auto tel = parse_uri("tel:+1-201-555-0123;phone-context=example.com");
    REQUIRE(tel);
    CHECK(tel->scheme == Uri::Scheme::tel);
    CHECK(tel->host_port.text.empty());
    for (const std::string_view other : {"soap.beep://192.0.2.103:3002", "urn:service:sos", "isbn:2983792873",
                                         "im:a@b", "http://www.example.com"})
        CHECK(parse_uri(other)->scheme == Uri::Scheme::other);
}

TEST_CASE("S10: the user part may contain bytes that separate elsewhere") {
    auto uri = parse_uri("sip:user;par=u%40example.net@example.com");
    REQUIRE(uri);
    CHECK(uri->user == "user;par=u%40example.net");
    CHECK(uri->host_port.host == "example.com");
    CHECK(uri->parameters.empty());
    uri = parse_uri("sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*:&it+has=1@[2001:db8::1]:5070;lr");
    REQUIRE(uri);
    CHECK(uri->host_port.port == 5070);
    CHECK(uri->parameters == "lr");
}

TEST_CASE("P1: a literal host is found without reading all of the URI, and only in one that can be read") {
    for (const std::string_view text : {"sip:a@192.0.2.1",
                                        "sips:a@192.0.2.1:5070;lr",
                                        "SIP:192.0.2.1?a=b",
                                        "sip:a@[2001:db8::1]:5070;lr",
                                        "sip:201@%31%30.0.0.1",
                                        "sip:a;x=192.0.2.1@192.0.2.2",
                                        "sip:201@example.com",
                                        "sip:1.example.com",
                                        "sip:192.0.2.1@example.com",
                                        "sip:%65xample.com",
                                        "sip:201",
                                        "tel:201",
                                        "im:a@192.0.2.1",
                                        "*",
                                        "",
                                        ":",
                                        "sip:",
                                        "sip:a@",
                                        "192.0.2.1",
                                        "sip:a@192.0.2.1:0",
                                        "sip:a@192.0.2.1 :5060",
                                        "sip:a@192.0.2.1/",
                                        "sip:a@[2001:db8::1",
                                        "sip:a@[192.0.2.1]",
                                        "sip :a@192.0.2.1",
                                        "sip:a@b@192.0.2.1:5070;x=c@d",
                                        "sip:a@@192.0.2.1",
                                        "sip:a@b:c@192.0.2.1",
                                        "sip:a@b;c@192.0.2.1",
                                        "sip:a@192.0.2.1@b",
                                        "sip:a@ 192.0.2.1 ;lr",
                                        "sip:a@192.0.2.1 : 5070",
                                        "sip:a@192.0.2.1>",
                                        "sip:a@@@",
                                        "a@192.0.2.1:5070;lr",
                                        "192.0.2.1",
                                        "192.0.2.1:5070",
                                        "[2001:db8::1]:5070",
                                        "a:b@192.0.2.1",
                                        "x:192.0.2.1",
                                        "sip:a@192.0.2.1:5070/x;lr",
                                        "sip:a@192.0.2.1 x",
                                        "sip://a@192.0.2.1:5070",
                                        "sip://192.0.2.1",
                                        "sip://b",
                                        "sip:a@b/192.0.2.1"}) {
        CAPTURE(text);
        const auto uri = parse_uri(text);
        const auto literal = literal_host(text);
        REQUIRE(literal.has_value() == (uri && uri->host_port.address));
        if (!literal) continue;
        CHECK(literal->scheme == uri->scheme);
        CHECK(literal->host_port.text == uri->host_port.text);
        CHECK(literal->host_port.address == uri->host_port.address);
        CHECK(literal->host_port.port == uri->host_port.port);
    }
}

TEST_CASE("S9: URIs that cannot be read") {
    for (const std::string_view bad :
         {"", ":", "sip:", "sip:@", "sip:a@", "sip:a@@", "sip:a@b:65536", "sip:2001:db8::10", "sip:a@b c",
          "si p:a", "s\xc3\xafp:a", "sip:a@[2001:db8:::192.0.2.1]", "sips::5060", "sip:a@b/c", "*"})
        CHECK_MESSAGE(!parse_uri(bad), bad);
}

TEST_CASE("S9: URIs that devices write although RFC 3261 forbids them") {
    struct Form {
        std::string_view text, user, host;
        std::optional<std::uint16_t> port;
        std::string_view parameters = {};
    };
    for (const Form& form : {
             Form{"sip:alice@example.net@192.168.1.10:5060", "alice@example.net", "192.168.1.10", 5060},
             Form{"sip:alice@@192.168.1.10", "alice@", "192.168.1.10", {}},
             Form{"sip:a@b:pass@192.168.1.10;ob", "a@b:pass", "192.168.1.10", {}, "ob"},
             // What is valid is read as it always was.
             Form{"sip:a@192.168.1.10;x=b@c", "a", "192.168.1.10", {}, "x=b@c"},
             Form{"sip:a@192.168.1.10:5060?Subject=b@c", "a", "192.168.1.10", 5060},
             Form{" sip:a@192.168.1.10 ", "a", "192.168.1.10", {}},
             Form{"sip : a@ 192.168.1.10 :5060 ;ob", " a", "192.168.1.10", 5060, "ob"},
             Form{"sip:a@192.168.1.10:;ob", "a", "192.168.1.10", {}, "ob"},
             Form{"sip:a@192.168.1.10:0;ob", "a", "192.168.1.10", {}, "ob"},
             Form{"sip:a@192.168.1.10:5060>", "a", "192.168.1.10", 5060},
             Form{"a@192.168.1.10:5060;ob", "a", "192.168.1.10", 5060, "ob"},
             Form{"sip://a@192.168.1.10:5060", "//a", "192.168.1.10", 5060},
             Form{"sip://192.168.1.10:5060;ob", "", "192.168.1.10", 5060, "ob"},
             Form{"sip:a@192.168.1.10:5060/;ob", "a", "192.168.1.10", 5060, "ob"},
             Form{"sip:a@b@192.168.1.10/x?Subject=y", "a@b", "192.168.1.10", {}},
             Form{"192.168.1.10:5060", "", "192.168.1.10", 5060},
             Form{"192.168.1.10", "", "192.168.1.10", {}},
         }) {
        INFO(form.text);
        const auto uri = parse_uri(form.text);
        REQUIRE(uri);
        CHECK(uri->scheme == Uri::Scheme::sip);
        CHECK(uri->user == form.user);
        CHECK(uri->host_port.host == form.host);
        CHECK(uri->host_port.port == form.port);
        CHECK(uri->parameters == form.parameters);
        CHECK(literal_target(form.text));
    }
    CHECK(literal_target("sip:a@192.168.1.10 ;transport=tcp")->transport == "tcp");
    CHECK(maddr("sip:a@b@c;maddr=192.168.1.10") == "192.168.1.10");
}

TEST_CASE("S10: parameters by name") {
    const std::string_view p = "transport=UDP;lr ; Q = 0.5;x=\"a;b=c\\\";d\";%6Fb;empty=;;expires=60,5";
    CHECK(parameter(p, "transport") == "UDP");
    CHECK(parameter(p, "TRANSPORT") == "UDP");
    CHECK(parameter(p, "q") == "0.5");
    CHECK(parameter(p, "x") == "\"a;b=c\\\";d\"");
    REQUIRE(parameter(p, "lr"));
    CHECK(parameter(p, "lr")->empty());
    CHECK(parameter(p, "lr")->data() != nullptr);
    CHECK(parameter(p, "ob"));
    CHECK(parameter(p, "empty") == "");
    CHECK(parameter(p, "expires") == "60,5");
    for (const std::string_view absent : {"b", "d", "trans", "transportx", "l", "o", "%6Fb", ""})
        CHECK_MESSAGE(!parameter(p, absent), absent);
    CHECK(!parameter("", "lr"));
    CHECK(parameter("a=\"open;lr", "lr"));  // a quote that never closes is an ordinary byte
    CHECK(parameter("lr\r\n =\r\n on", "lr") == "on");
    CHECK(!parameter("l%7", "lr"));
}
