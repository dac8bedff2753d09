#include "alg/net/address.hpp"

#include <doctest/doctest.h>

#include <set>

using namespace sipalg;

TEST_CASE("addresses are read strictly and written canonically") {
    CHECK(Address::parse("192.168.1.10")->text() == "192.168.1.10");
    CHECK(Address::parse("192.168.1.10") == Address::v4(0xC0A8010A));
    for (const char* bad :
         {"", "1.2.3", "1.2.3.4.5", "256.1.1.1", "01.2.3.4", "1.2.3.4 ", "1..2.3", "::g", "1:2", "[::1]"})
        CHECK_MESSAGE(!Address::parse(bad), bad);
    CHECK(Address::parse("2001:DB8:0:0::1")->text() == "2001:db8::1");
    CHECK_FALSE(Address::parse(std::string_view("::1\0", 4)));
}

TEST_CASE("P1: a dotted quad at the beginning of a text is read up to its end") {
    const auto length = [](std::string_view text) {
        std::optional<Address> address;
        const std::size_t size = Address::read_v4(text, address);
        CHECK(address == (size > 0 ? Address::parse(text.substr(0, size)) : std::nullopt));
        return size;
    };
    CHECK(length("1.2.3.4") == 7);
    CHECK(length("1.2.3.4:5060") == 7);
    CHECK(length("192.168.100.200") == 15);
    CHECK(length("192.168.100.200;lr") == 15);
    CHECK(length("192.168.1.10-and-more-text") == 12);
    for (const char* text : {"", "1.2.3.", "1.2.3.4.5", "1.2.3.4.", "1.2.3.256", "1.2.3.1234", "1.2.3.04",
                             "192.168.100.2001", "a.1.2.3.4", "1.2.3 .4 more text"})
        CHECK_MESSAGE(length(text) == 0, text);
}

TEST_CASE("special addresses are recognised") {
    CHECK(Address::parse("0.0.0.0")->is_unspecified());
    CHECK(Address::parse("::")->is_unspecified());
    CHECK_FALSE(Address{}.is_unspecified());
    CHECK(Address::parse("127.1.2.3")->is_loopback());
    CHECK(Address::parse("::1")->is_loopback());
    CHECK(Address::parse("239.1.1.1")->is_multicast());
    CHECK(Address::parse("ff02::1")->is_multicast());
    CHECK(Address::parse("255.255.255.255")->is_broadcast());
}

TEST_CASE("endpoints are parsed from their own text") {
    for (const char* text : {"192.168.1.10:5060", "[2001:db8::1]:5061"})
        CHECK(Endpoint::parse(text)->text() == text);
    for (const char* bad :
         {"192.168.1.10", "192.168.1.10:", "192.168.1.10:70000", "2001:db8::1:5060", "host:1"})
        CHECK_MESSAGE(!Endpoint::parse(bad), bad);
}

TEST_CASE("P1: an address is written in place in the form of text(), for all lengths of its numbers") {
    for (const char* text : {"0.0.0.0", "9.10.99.100", "255.255.255.255", "1.200.30.4", "2001:db8::1",
                             "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "::ffff:255.255.255.255"}) {
        char out[Address::max_text];
        const Address address = Address::parse(text).value();
        CHECK(std::string_view(out, address.write(out)) == text);
        CHECK(address.text() == text);
    }
    CHECK(Address{}.text() == "none");
}

TEST_CASE("addresses are equal by family and all their bytes, and unequal ones seldom share a hash") {
    const Address v4 = Address::v4(0x0A000001);
    std::array<std::uint8_t, 16> bytes = v4.bytes();
    CHECK(v4 == Address::v4({10, 0, 0, 1}));
    CHECK(v4 != Address::v6(bytes));
    bytes[15] = 1;
    CHECK(Address::v6(bytes) != Address::v6(v4.bytes()));
    std::set<std::size_t> hashes;
    for (std::uint16_t port = 16384; port < 17384; ++port)
        for (const Transport transport : {Transport::udp, Transport::tcp})
            hashes.insert(std::hash<Socket>{}({transport, {v4, port}}));
    CHECK(hashes.size() > 1990);
}
