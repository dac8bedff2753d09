#include "alg/address.hpp"

#include <doctest/doctest.h>

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

TEST_CASE("special addresses are known as such") {
    CHECK(Address::parse("0.0.0.0")->is_unspecified());
    CHECK(Address::parse("::")->is_unspecified());
    CHECK_FALSE(Address{}.is_unspecified());
    CHECK(Address::parse("127.1.2.3")->is_loopback());
    CHECK(Address::parse("::1")->is_loopback());
    CHECK(Address::parse("239.1.1.1")->is_multicast());
    CHECK(Address::parse("ff02::1")->is_multicast());
    CHECK(Address::parse("255.255.255.255")->is_broadcast());
}

TEST_CASE("endpoints survive their own text") {
    for (const char* text : {"192.168.1.10:5060", "[2001:db8::1]:5061"})
        CHECK(Endpoint::parse(text)->text() == text);
    for (const char* bad :
         {"192.168.1.10", "192.168.1.10:", "192.168.1.10:70000", "2001:db8::1:5060", "host:1"})
        CHECK_MESSAGE(!Endpoint::parse(bad), bad);
}
