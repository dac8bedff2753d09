#include "alg/base/deadline_queue.hpp"

#include <doctest/doctest.h>

namespace sipalg {

TEST_CASE("deadlines come in the order of their times, not before") {
    DeadlineQueue<int> deadlines;
    CHECK_FALSE(deadlines.next());
    deadlines.add(Time{30}, 3);
    deadlines.add(Time{10}, 1);
    deadlines.add(Time{20}, 2);
    CHECK(deadlines.next() == Time{10});
    CHECK_FALSE(deadlines.due(Time{9}));
    CHECK(deadlines.due(Time{20}) == 1);
    CHECK(deadlines.due(Time{20}) == 2);
    CHECK_FALSE(deadlines.due(Time{20}));
    CHECK(deadlines.next() == Time{30});
}

TEST_CASE("law 4: what could not be done is due again a second after its time") {
    DeadlineQueue<int> deadlines;
    deadlines.add(Time{10}, 1);
    deadlines.add(Time{20}, 2);
    CHECK(deadlines.due(Time{15}) == 1);
    deadlines.cancel();
    CHECK(deadlines.size() == 2);
    CHECK(deadlines.due(Time{1009}) == 2);
    CHECK(deadlines.due(Time{1010}) == 1);
    deadlines.commit();
    deadlines.cancel();
    CHECK(deadlines.size() == 0);
}

}  // namespace sipalg
