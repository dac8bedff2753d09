#include "alg/daemon/run/rate_limit.hpp"

#include <doctest/doctest.h>

using namespace sipalg;
using namespace sipalg::daemon;

TEST_CASE("O4 a burst passes, then a number of lines each second; suppressed lines are counted") {
    RateLimit limit(3, 2);
    Time now{1'000'000};
    for (int i = 0; i < 3; ++i)
        CHECK(limit.allow(now));
    CHECK_FALSE(limit.allow(now));
    CHECK_FALSE(limit.allow(now + Time(499)));
    CHECK(limit.allow(now + Time(500)));
    CHECK_FALSE(limit.allow(now + Time(501)));
    CHECK(limit.take_refused() == 3);
    CHECK(limit.take_refused() == 0);
    now += Time(3'600'000);
    int passed = 0;
    for (int i = 0; i < 10; ++i)
        passed += limit.allow(now) ? 1 : 0;
    CHECK(passed == 3);  // an hour's silence earns no more than one burst
}
