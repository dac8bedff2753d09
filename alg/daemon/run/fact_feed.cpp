#include "alg/daemon/run/fact_feed.hpp"

#include <exception>
#include <utility>

namespace sipalg::daemon {

using facts::Interest;

void FactFeed::set_interest(Interest interest, const State& state, const State& observed) {
    if (interest == interest_) return;
    const bool had_everything = interest_ == Interest::everything;
    interest_ = interest;
    if (interest == Interest::nothing) collect();
    if (interest == Interest::everything) {
        collector_.begin(state);
        observed_.begin(observed);
    } else if (had_everything) {
        collector_ = facts::Collector();
        observed_ = facts::Collector(true);
    }
}

template <class Make>
void FactFeed::take_made(Make make) noexcept {
    fresh_.clear();
    try {
        make(fresh_);
        keep(fresh_);
    } catch (const std::exception&) {
        ++batch_.lost;
    }
}

void FactFeed::take(const State& state, Decision& decision, Time now, bool observed) noexcept {
    if (interest_ == Interest::events) take(decision.events, now, observed);
    if (interest_ != Interest::everything) return;
    take_made([&](auto& fresh) { (observed ? observed_ : collector_).collect(state, decision, now, fresh); });
}

void FactFeed::take_refused(Decision& decision, Reason reason, Time now) noexcept {
    if (interest_ != Interest::everything) return;
    take_made([&](auto& fresh) {
        for (SeenMessage& seen : decision.seen) {
            seen.reason = reason;
            seen.after.clear();
            std::erase_if(seen.places,
                          [](const Explained& place) { return place.kept == rewrite::Kept::changed; });
            fresh.push_back({now, false, facts::describe(std::move(seen))});
        }
        decision.seen.clear();
    });
}

void FactFeed::take(std::span<const Event> events, Time now, bool observed) noexcept {
    if (interest_ == Interest::nothing) return;
    take_made([&](auto& fresh) {
        for (const Event& event : events)
            fresh.push_back({now, observed, event});
    });
}

void FactFeed::keep(std::vector<facts::Fact>& fresh) {
    for (facts::Fact& fact : fresh) {
        const auto* message = std::get_if<facts::Message>(&fact.what);
        const std::size_t size = message ? message->seen.before.size() + message->seen.after.size() : 0;
        if (batch_.facts.size() >= max_facts || bytes_ + size > max_bytes) {
            ++batch_.lost;
            continue;
        }
        bytes_ += size;
        batch_.facts.push_back(std::move(fact));
    }
}

FactFeed::Batch FactFeed::collect() {
    bytes_ = 0;
    return std::exchange(batch_, {});
}

}  // namespace sipalg::daemon
