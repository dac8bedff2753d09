#include "alg/core/ladder.hpp"

#include <doctest/doctest.h>

using namespace sipalg;

namespace {

LadderStep step(std::uint16_t status) {
    LadderStep one;
    one.status = status;
    one.reason = Reason::rewritten;
    one.places = 1U << static_cast<unsigned>(rewrite::Place::contact);
    return one;
}

}  // namespace

TEST_CASE("O1 X7 a ladder keeps the first and the latest messages") {
    Ladder ladder;
    constexpr std::uint16_t count = 50;
    for (std::uint16_t i = 0; i < count; ++i)
        ladder.add(step(i), Time{1000 + i * 10});
    const auto steps = ladder.steps();
    REQUIRE(steps.size() == Ladder::first + Ladder::latest);
    CHECK(ladder.left_out() == count - steps.size());
    CHECK(steps.front().status == 0);
    CHECK(steps[Ladder::first - 1].status == Ladder::first - 1);
    CHECK(steps[Ladder::first].status == count - Ladder::latest);
    CHECK(steps.back().status == count - 1);
    CHECK(steps.back().after_ms == (count - 1) * 10);
    CHECK(ladder.begun() == Time{1000});
}

TEST_CASE("O1 law 4 messages enter a ladder when they are in force, or with the reason of the refusal") {
    Ladders ladders;
    ladders.note(1, step(100), Time{0});
    ladders.cancel();
    ladders.commit();
    CHECK(ladders.find(1) == nullptr);

    ladders.note(1, step(180), Time{0});
    ladders.commit();
    ladders.note(1, step(200), Time{0});
    ladders.refuse(Reason::kernel_refused);
    REQUIRE(ladders.find(1) != nullptr);
    const auto steps = ladders.find(1)->steps();
    REQUIRE(steps.size() == 2);
    CHECK(steps[0].reason == Reason::rewritten);
    CHECK(steps[0].has_changed(rewrite::Place::contact));
    CHECK_FALSE(steps[0].has_changed(rewrite::Place::path));
    CHECK(steps[1].reason == Reason::kernel_refused);
    CHECK_FALSE(steps[1].has_changed(rewrite::Place::contact));
}

TEST_CASE("X7 ladders of calls that do not exist are forgotten") {
    Ladders ladders;
    for (std::uint32_t call = 0; call < 10; ++call)
        ladders.note(call, step(200), Time{0});
    ladders.commit();
    ladders.forget_unless([](std::uint32_t call) { return call == 3; });
    CHECK(ladders.size() == 1);
    CHECK(ladders.find(3) != nullptr);
}
