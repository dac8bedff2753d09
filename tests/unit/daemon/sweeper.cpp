#include "alg/daemon/sweeper.hpp"

#include <doctest/doctest.h>

using namespace sipalg;
using namespace sipalg::daemon;

TEST_CASE("a quick sweep is followed by 600 ms of quiet from its beginning") {
    SweepBudget budget;
    CHECK(budget.next() <= Time(0));
    budget.began(Time(10'000));
    budget.ended(std::chrono::microseconds(900));
    CHECK(budget.next() == Time(10'600));
}

TEST_CASE("a long sweep takes at most a tenth of the time") {
    SweepBudget budget;
    budget.began(Time(10'000));
    budget.ended(std::chrono::milliseconds(150));
    CHECK(budget.next() == Time(11'500));
}
