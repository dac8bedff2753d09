#include "alg/nat/proven_pairs.hpp"

#include <algorithm>

#include "alg/policy/timing.hpp"

namespace sipalg::nat {

bool ProvenPairs::is_proven(const PhonePeer& pair, Time now) const {
    const auto found = entries_.find(pair);
    if (found != entries_.end() && (found->second.holders > 0 || found->second.until > now)) return true;
    return policy_.treatments.is_allowed(pair.peer);
}

bool ProvenPairs::note(const PhonePeer& pair, Time at, Time now) {
    auto found = entries_.find(pair);
    const bool is_new = found == entries_.end() || (found->second.holders == 0 && found->second.until <= now);
    if (at + proof_time <= now) return false;
    if (found == entries_.end()) {
        make_room(pair.phone);
        found = entries_.emplace(pair, Entry{}).first;
        unheld_.add(pair, hosts_.of(pair.phone));
        hosts_.add_proof(pair.phone);
        if (!next_) next_ = now + proof_time;
    }
    found->second.until = std::max(found->second.until, at + proof_time);
    if (is_new) noted_.push_back(pair);
    return is_new;
}

void ProvenPairs::make_room(const Address& phone) {
    const auto* own = unheld_.of(hosts_.of(phone));
    std::optional<PhonePeer> victim;
    if (own && own->size() >= policy_.max_proven_pairs_per_phone)
        victim = own->front();
    else if (unheld_.size() >= policy_.max_proven_pairs)
        victim = unheld_.oldest_of_largest();
    if (!victim) return;
    unheld_.remove(*victim);
    entries_.erase(*victim);
    hosts_.remove_proof(victim->phone);
}

void ProvenPairs::add_holders(const PhonePeer& pair, int number) {
    const auto [place, is_new] = entries_.try_emplace(pair);
    if (is_new) hosts_.add_proof(pair.phone);
    Entry& entry = place->second;
    entry.holders = static_cast<std::uint32_t>(static_cast<int>(entry.holders) + number);
    if (entry.holders > 0) {
        unheld_.remove(pair);
        return;
    }
    unheld_.add(pair, hosts_.of(pair.phone));
    if (!next_) next_ = entry.until;
}

void ProvenPairs::acquire(const PhonePeer& pair) {
    held_.emplace_back(pair, 1);
    add_holders(pair, 1);
}

void ProvenPairs::release(const PhonePeer& pair) {
    held_.emplace_back(pair, -1);
    add_holders(pair, -1);
}

void ProvenPairs::cancel() {
    for (const auto& [pair, number] : held_)
        add_holders(pair, -number);
    for (const PhonePeer& pair : noted_)
        if (const auto found = entries_.find(pair); found != entries_.end()) found->second.until = Time{0};
    commit();
}

// Expired proofs are removed together and seldom, because is_proven() compares the time anyway.
void ProvenPairs::expire(Time now) {
    if (!next_ || *next_ > now) return;
    std::erase_if(entries_, [&](const auto& entry) {
        const bool over = entry.second.holders == 0 && entry.second.until <= now;
        if (over) {
            unheld_.remove(entry.first);
            hosts_.remove_proof(entry.first.phone);
        }
        return over;
    });
    next_ = unheld_.size() > 0 ? std::optional(now + proof_time / 2) : std::nullopt;
}

}  // namespace sipalg::nat
