#include "alg/daemon/run/fact_feed.hpp"

#include <doctest/doctest.h>

#include "alg/core/state.hpp"

using namespace sipalg;
using daemon::FactFeed;
using facts::Interest;

namespace {

Decision decision_with_a_message_and_an_event() {
    Decision decision;
    decision.seen.emplace_back();
    decision.events.emplace_back();
    return decision;
}

}  // namespace

TEST_CASE("P1 only what a reader wants becomes a fact") {
    const State state{Policy{}};
    const auto facts = [&](Interest interest) {
        FactFeed feed;
        feed.set_interest(interest, state, state);
        Decision decision = decision_with_a_message_and_an_event();
        feed.take(state, decision, Time(1), false);
        Decision refused = decision_with_a_message_and_an_event();
        feed.take_refused(refused, Reason::unchanged, Time(1));
        return feed.collect().facts;
    };
    CHECK(facts(Interest::nothing).empty());
    const auto events = facts(Interest::events);
    REQUIRE(events.size() == 1);
    CHECK(std::holds_alternative<Event>(events[0].what));
    CHECK(facts(Interest::everything).size() == 3);
}

TEST_CASE("O8 facts that nobody has collected are gone when the last reader is") {
    const State state{Policy{}};
    FactFeed feed;
    Decision decision = decision_with_a_message_and_an_event();
    feed.set_interest(Interest::everything, state, state);
    feed.take(state, decision, Time(1), false);
    feed.set_interest(Interest::nothing, state, state);
    feed.set_interest(Interest::events, state, state);
    CHECK(feed.collect().facts.empty());
}
