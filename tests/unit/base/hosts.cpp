#include "alg/base/hosts.hpp"

#include <doctest/doctest.h>

#include "alg/base/quota.hpp"

namespace sipalg {

namespace {

const Address a = Address::v4(1), b = Address::v4(2), c = Address::v4(3);
const Time now{1'000'000};
const Address link = *Address::parse("fe80::1"), other_link = *Address::parse("fe80::2");

}  // namespace

TEST_CASE("X7 the addresses of one neighbour are one host, an address without one is itself") {
    Hosts hosts;
    hosts.note(a, link, now);
    hosts.note(b, link, now);
    hosts.note(c, Address{}, now);
    CHECK(hosts.of(a) == hosts.of(b));
    CHECK(hosts.of(c) == c);
    hosts.note(b, other_link, now);
    CHECK(hosts.of(b) == other_link);
    CHECK(hosts.of(a) == link);
}

TEST_CASE("X7 a neighbour with many addresses displaces only its own") {
    Hosts hosts;
    hosts.note(a, link, now);
    for (std::uint32_t i = 0; i < Hosts::most + 100; ++i)
        hosts.note(Address::v4(0x0A000000 + i), other_link, now);
    CHECK(hosts.of(a) == link);
    CHECK(hosts.of(Address::v4(0x0A000000)) == Address::v4(0x0A000000));
    CHECK(hosts.of(Address::v4(0x0A000000 + Hosts::most)) == other_link);
}

TEST_CASE("P5 a neighbour is forgotten an hour after the phone's last packet at the latest") {
    Hosts hosts;
    CHECK_FALSE(hosts.next_deadline());
    hosts.note(a, link, now);
    hosts.note(b, link, now);
    const Time later = now + Hosts::kept / 2;
    hosts.note(b, link, later);
    REQUIRE(hosts.next_deadline());
    CHECK(*hosts.next_deadline() >= later);
    hosts.expire(now + Hosts::kept);
    CHECK(hosts.of(a) == a);
    CHECK(hosts.of(b) == link);
    CHECK(hosts.size() == 1);
    hosts.expire(later + Hosts::kept);
    CHECK(hosts.size() == 0);
    CHECK_FALSE(hosts.next_deadline());
}

TEST_CASE("X7 a phone is proven as long as one of its pairs is") {
    Hosts hosts;
    hosts.add_proof(a);
    hosts.add_proof(a);
    hosts.remove_proof(a);
    CHECK(hosts.is_proven(a));
    hosts.remove_proof(a);
    hosts.remove_proof(a);
    CHECK_FALSE(hosts.is_proven(a));
}

TEST_CASE("X7 a share is one host's, and a proven phone has a part of its own") {
    Hosts hosts;
    hosts.note(a, link, now);
    hosts.note(b, link, now);
    Quota quota(hosts);
    for (int i = 0; i < 32; ++i)
        quota.more(a);
    CHECK(quota.largest() == 32);
    CHECK_FALSE(quota.has_room(a, 32));
    CHECK_FALSE(quota.has_room(b, 32));
    CHECK(quota.has_room(c, 32));
    hosts.add_proof(a);
    hosts.add_proof(b);
    CHECK_FALSE(quota.has_room(a, 32));
    CHECK(quota.has_room(b, 32));
    quota.more(b);
    quota.more(b);
    CHECK_FALSE(quota.has_room(b, 32));
    CHECK(quota.total() == 34);
}

TEST_CASE("X7 a phone's count moves with it to another neighbour") {
    Hosts hosts;
    Quota quota(hosts);
    quota.more(a);
    quota.more(a);
    quota.commit();
    hosts.note(a, link, now);
    quota.more(a);
    CHECK(quota.of_host(a) == 3);
    quota.cancel();
    CHECK(quota.of(a) == 2);
    for (int i = 0; i < 3; ++i)
        quota.fewer(a);
    CHECK(quota.of(a) == 0);
    CHECK(quota.of_host(a) == 0);
    CHECK(quota.total() == 0);
}

TEST_CASE("X7 the last eighth of a table is reserved for phones with a guaranteed part") {
    CHECK(has_room(13, 16, false));
    CHECK_FALSE(has_room(14, 16, false));
    CHECK(has_room(15, 16, true));
    CHECK_FALSE(has_room(16, 16, true));
}

}  // namespace sipalg
