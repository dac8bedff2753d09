#include "alg/daemon/run/fact_feed.hpp"

#include <exception>
#include <utility>

namespace sipalg::daemon {

void FactFeed::set_reading(bool reading, const State& state, const State& observed) {
    if (reading == reading_) return;
    reading_ = reading;
    batch_ = {};
    bytes_ = 0;
    if (reading) {
        collector_.begin(state);
        observed_.begin(observed);
    } else {
        collector_ = facts::Collector();
        observed_ = facts::Collector(true);
    }
}

void FactFeed::take(const State& state, Decision& decision, Time now, bool observed) noexcept {
    if (!reading_) return;
    fresh_.clear();
    try {
        (observed ? observed_ : collector_).collect(state, decision, now, fresh_);
        keep(fresh_);
    } catch (const std::exception&) {
        ++batch_.lost;
    }
}

void FactFeed::take_refused(Decision& decision, Reason reason, Time now) noexcept {
    if (!reading_) return;
    fresh_.clear();
    try {
        for (SeenMessage& seen : decision.seen) {
            seen.reason = reason;
            seen.after.clear();
            std::erase_if(seen.places,
                          [](const Explained& place) { return place.kept == rewrite::Kept::changed; });
            fresh_.push_back({now, false, facts::describe(std::move(seen))});
        }
        decision.seen.clear();
        keep(fresh_);
    } catch (const std::exception&) {
        ++batch_.lost;
    }
}

void FactFeed::take(std::span<const Event> events, Time now, bool observed) noexcept {
    if (!reading_) return;
    fresh_.clear();
    try {
        for (const Event& event : events)
            fresh_.push_back({now, observed, event});
        keep(fresh_);
    } catch (const std::exception&) {
        ++batch_.lost;
    }
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
