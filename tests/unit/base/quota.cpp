#include "alg/base/quota.hpp"

#include <doctest/doctest.h>

namespace sipalg {

TEST_CASE("X7 each host has its own count, and cancel() reverts staged changes") {
    const Address a = Address::v4(1), b = Address::v4(2);
    Quota count;
    count.more(a);
    count.more(a);
    count.more(b);
    count.commit();
    count.fewer(a);
    count.fewer(b);
    CHECK(count.of(a) == 1);
    CHECK(count.of(b) == 0);
    count.cancel();
    CHECK(count.of(a) == 2);
    CHECK(count.of(b) == 1);
    count.fewer(b);
    count.fewer(b);  // not below zero
    CHECK(count.of(b) == 0);
}

TEST_CASE("X7 what an address has is counted for its present host") {
    const Address phone = Address::v4(1), neighbour = Address::v6({1});
    Hosts hosts;
    Quota count(hosts);
    count.more(phone);
    count.more(phone);
    count.commit();
    CHECK(count.of_host(phone) == 2);
    hosts.note(phone, neighbour, Time{0});
    REQUIRE(hosts.of(phone) != phone);
    count.more(phone);
    CHECK(count.of_host(phone) == 3);
    CHECK(count.total() == 3);
    count.cancel();
    CHECK(count.total() == 2);
    for (int i = 0; i < 3; ++i)
        count.fewer(phone);
    CHECK(count.total() == 0);
    CHECK(count.largest() == 0);
}

}  // namespace sipalg
