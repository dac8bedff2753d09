// Mappings and pinholes as an earlier daemon left them in the kernel, and all of them for a kernel that has
// lost them (A5).
#include <algorithm>

#include "alg/kernel/change.hpp"
#include "alg/nat/mappings.hpp"
#include "alg/policy/timing.hpp"

namespace sipalg::nat {

void Mappings::restore(const Mapping& mapping, const Address& advertised, Time until) {
    MappingEntry entry;
    entry.mapping = mapping;
    entry.advertised = advertised;
    entry.idle_until = until - std::min(idle_margin, until);
    entry.kernel_until = until;
    entry.rewritten = entry.presumed = true;
    know_address(mapping.outside.address);
    occupy(entry);
    per_phone_.more(mapping.inside.address);
    deadlines_.schedule(entry.key(), entry.idle_until);
    mappings_.put(entry.key(), entry);
}

void Mappings::restore(const Pinhole& pinhole, Time until) {
    pinholes_.put(pinhole, {0, until});
}

// Of several mappings of one endpoint only those have it that it lives as long as; the kernel counts seconds.
// Both are renewed together, in time for the one that ends first.
void Mappings::restore_listener(const Socket& inside, Time until) {
    for (const auto& [key, entry] : mappings_)
        if (key.inside == inside &&
            (entry.mapping.is_identity() || entry.kernel_until <= until + Time{1000})) {
            MappingEntry& restored = *mappings_.edit(key);
            restored.listener = true;
            if (!entry.mapping.is_identity()) restored.kernel_until = std::min(restored.kernel_until, until);
        }
}

bool Mappings::restore_reachable(const Socket& outside) {
    const MappingEntry* entry = find_outside(outside);
    if (entry) mappings_.edit(entry->key())->reachable = true;
    return entry != nullptr;
}

void Mappings::end_restoration(std::vector<Change>& changes) {
    std::vector<MappingKey> held;
    for (const auto& [key, entry] : mappings_)
        if (entry.holders > 0) held.push_back(key);
    for (const MappingKey& key : held)
        mappings_.edit(key)->idle_until = Time{0};  // its release sets a deadline
    std::vector<Pinhole> unheld;
    for (const auto& [pinhole, entry] : pinholes_)
        if (entry.holders == 0) unheld.push_back(pinhole);
    for (const Pinhole& pinhole : unheld) {
        changes.push_back(removal(pinhole));
        pinholes_.erase(pinhole);
    }
}

void Mappings::list(Time now, std::vector<Change>& changes) const {
    for (const auto& [key, entry] : mappings_) {
        if (entry.kernel_until <= now) continue;
        if (!entry.mapping.is_identity())
            changes.push_back(change(Change::Op::add, entry.mapping, entry.kernel_until, now));
        if (entry.listener)
            changes.push_back(change(Change::Op::add,
                                     Diversion{entry.mapping.transport, entry.mapping.inside},
                                     entry.kernel_until, now));
    }
    for (const auto& [key, entry] : mappings_)
        if (entry.reachable && entry.kernel_until > now)
            changes.push_back(change(Change::Op::add, reachable_of(entry), entry.kernel_until, now));
    for (const auto& [pinhole, entry] : pinholes_)
        if (entry.kernel_until > now)
            changes.push_back(change(Change::Op::add, pinhole, entry.kernel_until, now));
}

}  // namespace sipalg::nat
