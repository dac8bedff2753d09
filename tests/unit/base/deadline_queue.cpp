#include "alg/base/deadline_queue.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>

namespace sipalg {

TEST_CASE("deadlines are returned in order, and not before their time") {
    DeadlineQueue<int> deadlines;
    CHECK_FALSE(deadlines.next());
    deadlines.schedule(3, Time{30});
    deadlines.schedule(1, Time{10});
    deadlines.schedule(2, Time{20});
    CHECK(deadlines.next() == Time{10});
    CHECK_FALSE(deadlines.take_due(Time{9}));
    CHECK(deadlines.take_due(Time{20}) == 1);
    CHECK(deadlines.take_due(Time{20}) == 2);
    CHECK_FALSE(deadlines.take_due(Time{20}));
    CHECK(deadlines.next() == Time{30});
}

TEST_CASE("X7 a key has one deadline, however often it is moved") {
    DeadlineQueue<int> deadlines;
    for (int i = 1; i <= 1000; ++i) {
        deadlines.schedule(1, Time{i % 7 + 10});
        deadlines.schedule(2, Time{2000 - i});
        deadlines.commit();
    }
    CHECK(deadlines.size() == 2);
    deadlines.schedule(1, Time{5000});
    CHECK(deadlines.next() == Time{1000});
    deadlines.erase(2);
    deadlines.erase(3);
    CHECK(deadlines.size() == 1);
    CHECK_FALSE(deadlines.take_due(Time{4999}));
    CHECK(deadlines.take_due(Time{5000}) == 1);
}

TEST_CASE("law 4: if the transaction is cancelled, the deadline is due again one second later") {
    DeadlineQueue<int> deadlines;
    deadlines.schedule(1, Time{10});
    deadlines.schedule(2, Time{20});
    deadlines.commit();
    CHECK(deadlines.take_due(Time{15}) == 1);
    deadlines.schedule(1, Time{90'000});  // what it did is taken back as well
    deadlines.cancel();
    CHECK(deadlines.size() == 2);
    CHECK(deadlines.take_due(Time{1009}) == 2);
    CHECK(deadlines.take_due(Time{1010}) == 1);
    deadlines.commit();
    deadlines.cancel();
    CHECK(deadlines.size() == 0);
}

TEST_CASE("law 4: cancel() reverts scheduled, moved and erased deadlines") {
    DeadlineQueue<int> deadlines;
    deadlines.schedule(1, Time{10});
    deadlines.schedule(2, Time{20});
    deadlines.commit();
    deadlines.schedule(1, Time{30});
    deadlines.schedule(1, Time{40});
    deadlines.erase(2);
    deadlines.schedule(2, Time{5});
    deadlines.schedule(3, Time{1});
    deadlines.cancel();
    CHECK(deadlines.size() == 2);
    CHECK(deadlines.take_due(Time{100}) == 1);
    CHECK(deadlines.take_due(Time{100}) == 2);
}

// Against a table that is searched for its minimum.
TEST_CASE("deadlines that are moved at random are returned in order") {
    DeadlineQueue<int> deadlines;
    std::map<int, Time> expected, committed;
    std::uint32_t dice = 1;
    const auto roll = [&](std::uint32_t below) {
        dice = dice * 1664525 + 1013904223;
        return (dice >> 8) % below;
    };
    const auto by_time = [](const auto& a, const auto& b) { return a.second < b.second; };
    for (int step = 0; step < 20'000; ++step) {
        const int key = static_cast<int>(roll(50));
        switch (roll(8)) {
            case 0:
                deadlines.erase(key);
                expected.erase(key);
                break;
            case 1:
                if (const auto due = deadlines.take_due(Time{500})) {
                    REQUIRE(expected.at(*due) ==
                            std::min_element(expected.begin(), expected.end(), by_time)->second);
                    expected.erase(*due);
                }
                deadlines.commit();
                committed = expected;
                break;
            case 2:
                deadlines.commit();
                committed = expected;
                break;
            case 3:
                deadlines.cancel();
                expected = committed;
                break;
            default: {
                const Time at{roll(1000)};
                deadlines.schedule(key, at);
                expected[key] = at;
            }
        }
        REQUIRE(deadlines.size() == expected.size());
        const auto first = std::min_element(expected.begin(), expected.end(), by_time);
        REQUIRE(deadlines.next() == (expected.empty() ? std::nullopt : std::optional(first->second)));
    }
}

}  // namespace sipalg
