#include "alg/core/flow_list.hpp"

#include <algorithm>

#include "alg/base/enum_rows.hpp"

namespace sipalg {

namespace {

struct KindRow {
    FlowKind kind;
    std::string_view word;
};

constexpr std::array kind_rows{
    KindRow{FlowKind::unknown, "unknown"}, KindRow{FlowKind::keep_alive, "keep_alive"},
    KindRow{FlowKind::stun, "stun"},       KindRow{FlowKind::other, "other"},
    KindRow{FlowKind::http, "http"},       KindRow{FlowKind::dtls, "dtls"},
    KindRow{FlowKind::tls, "tls"},         KindRow{FlowKind::sip, "sip"},
};

static_assert(is_in_order(kind_rows, &KindRow::kind));

}  // namespace

std::string_view word(FlowKind kind) {
    return kind_rows[static_cast<std::size_t>(kind)].word;
}

std::string_view word(FlowTreatment treatment) {
    switch (treatment) {
        case FlowTreatment::unmodified: return "untouched";
        case FlowTreatment::followed: return "followed";
        case FlowTreatment::rewritten: return "rewritten";
    }
    return "";
}

FlowEntry& FlowList::see(const FlowKey& key, Side from, FlowKind kind, Time now, Sight sight) {
    const auto known = by_key_.find(key);
    Line::iterator entry;
    if (known != by_key_.end()) {
        entry = known->second;
        line(sight).splice(line(sight).end(), line(entry->sight), entry);
    } else {
        if (by_key_.size() == most) make_room();
        entry = line(sight).insert(line(sight).end(), FlowEntry{});
        entry->key = key;
        entry->opener = from;
        entry->first = now;
        by_key_.emplace(key, entry);
    }
    entry->sight = sight;
    entry->kind = std::max(entry->kind, kind);
    entry->last = now;
    ++(from == Side::inside ? entry->outward : entry->inward);
    return *entry;
}

void FlowList::forget(const FlowKey& key) {
    const auto known = by_key_.find(key);
    if (known != by_key_.end()) erase(known->second);
}

const FlowEntry* FlowList::find(const FlowKey& key) const {
    const auto known = by_key_.find(key);
    return known == by_key_.end() ? nullptr : &*known->second;
}

std::array<std::size_t, flow_kinds> FlowList::counts() const {
    std::array<std::size_t, flow_kinds> counts{};
    each([&](const FlowEntry& entry) { ++counts[static_cast<std::size_t>(entry.kind)]; });
    return counts;
}

std::optional<Time> FlowList::next_deadline() const {
    std::optional<Time> next;
    for (std::size_t i = 0; i < lines_.size(); ++i)
        if (!lines_[i].empty() && (!next || lines_[i].front().last + kept[i] < *next))
            next = lines_[i].front().last + kept[i];
    return next;
}

void FlowList::expire(Time now) {
    for (std::size_t i = 0; i < lines_.size(); ++i)
        while (!lines_[i].empty() && lines_[i].front().last + kept[i] <= now)
            erase(lines_[i].begin());
}

void FlowList::erase(Line::iterator entry) {
    by_key_.erase(entry->key);
    line(entry->sight).erase(entry);
}

void FlowList::make_room() {
    Line& whole = line(Sight::whole);
    Line& beginnings = line(Sight::beginnings);
    const bool first =
        beginnings.empty() || (!whole.empty() && whole.front().last <= beginnings.front().last);
    erase((first ? whole : beginnings).begin());
}

}  // namespace sipalg
