#include "alg/facts/collector.hpp"

#include <algorithm>
#include <string_view>
#include <tuple>

namespace sipalg::facts {

namespace {

// Those that the kernel has: others wait for their proof (X11).
std::vector<call::CallPinhole> open_pinholes(const State& state, const call::Call& call) {
    std::vector<call::CallPinhole> open;
    for (const call::CallPinhole& pinhole : call.pinholes)
        if (state.mappings.pinholes().find(pinhole.pinhole)) open.push_back(pinhole);
    return open;
}

const call::CallPinhole* find_same(const std::vector<call::CallPinhole>& all, const Pinhole& wanted) {
    const auto it =
        std::find_if(all.begin(), all.end(), [&](const auto& one) { return one.pinhole == wanted; });
    return it == all.end() ? nullptr : &*it;
}

}  // namespace

void Collector::begin(const State& state) {
    open_.clear();
    for (const auto& [key, call] : state.calls.all())
        open_.emplace(key, open_pinholes(state, call));
}

void Collector::collect(const State& state, Decision& decision, Time now, std::vector<Fact>& facts) {
    std::vector<CallKey> affected;
    for (SeenMessage& seen : decision.seen) {
        Message message = describe(std::move(seen));
        if (!message.call_id.empty()) affected.push_back({message.call_id, message.seen.phone.address});
        add(now, std::move(message), facts);
    }
    decision.seen.clear();
    for (const CallKey& key : affected)
        for (std::uint8_t leg = 0; leg < call::max_legs; ++leg)
            compare(state, {key.call_id, key.phone, leg}, now, facts);
    // A deadline or a request of the owner: no message says which calls it concerns.
    const bool others =
        affected.empty() &&
        std::any_of(decision.changes.begin(), decision.changes.end(), [](const Change& change) {
            return change.op != Change::Op::renew && std::holds_alternative<Pinhole>(change.element);
        });
    if (others) compare_all(state, now, facts);
    for (const Event& event : decision.events)
        add(now, event, facts);
}

void Collector::compare_all(const State& state, Time now, std::vector<Fact>& facts) {
    std::vector<CallKey> keys;
    for (const auto& [key, pinholes] : open_)
        if (!pinholes.empty()) keys.push_back(key);
    std::sort(keys.begin(), keys.end(), [](const CallKey& a, const CallKey& b) {
        const std::string_view a_id = a.call_id, b_id = b.call_id;
        return std::tie(a_id, a.phone, a.leg) < std::tie(b_id, b.phone, b.leg);
    });
    for (const CallKey& key : keys)
        compare(state, {key.call_id, key.phone, key.leg}, now, facts);
}

void Collector::compare(const State& state, const CallKeyView& key, Time now, std::vector<Fact>& facts) {
    const call::Call* call = state.calls.all().find(key);
    const auto known = open_.find(key);
    if (!call && known == open_.end()) return;
    const CallKey own{key.call_id, key.phone, key.leg};
    Open before = known == open_.end() ? Open() : std::move(known->second);
    Open after = call ? open_pinholes(state, *call) : Open();
    for (const call::CallPinhole& pinhole : before)
        if (!find_same(after, pinhole.pinhole))
            add(now, PinholeChange{PinholeChange::Kind::closed, std::string(own.call_id), own.phone, pinhole},
                facts);
    for (const call::CallPinhole& pinhole : after) {
        const call::CallPinhole* same = find_same(before, pinhole.pinhole);
        if (same && *same == pinhole) continue;
        const auto kind = same ? PinholeChange::Kind::changed : PinholeChange::Kind::opened;
        add(now, PinholeChange{kind, std::string(own.call_id), own.phone, pinhole}, facts);
    }
    if (after.empty())
        open_.erase(own);
    else
        open_[own] = std::move(after);
}

}  // namespace sipalg::facts
