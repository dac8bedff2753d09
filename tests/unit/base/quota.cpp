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

}  // namespace sipalg
