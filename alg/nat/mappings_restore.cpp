// Mappings and pinholes as an earlier daemon left them in the kernel, and all of them for a kernel that has
// lost them (A5).
#include <algorithm>

#include "alg/kernel/change.hpp"
#include "alg/nat/mappings.hpp"
#include "alg/policy/timing.hpp"

namespace sipalg::nat {

void Mappings::restore(std::span<const StoredElement> elements, const Advertised& advertised, Time now) {
    for (const StoredElement& stored : elements) {
        const Time until = now + stored.remaining;
        if (const auto* mapping = std::get_if<Mapping>(&stored.element))
            restore(*mapping, advertised(mapping->outside.address), until);
        else if (const auto* pinhole = std::get_if<Pinhole>(&stored.element))
            pinholes_.put(*pinhole, {0, until});
    }
    // Before calls, bindings and connections extend their mappings: then it can no longer be seen which ones
    // live as long as the diversion.
    for (const StoredElement& stored : elements)
        if (const auto* diversion = std::get_if<Diversion>(&stored.element))
            restore(*diversion, now + stored.remaining);
}

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

// Of several mappings of one endpoint only those have the Diversion that live no longer than it; the kernel
// counts whole seconds. Both are renewed together, in time for the one that ends first.
void Mappings::restore(const Diversion& diversion, Time until) {
    for (const Address& outside : addresses_) {
        const MappingKey key{{diversion.transport, diversion.inside}, outside};
        const MappingEntry* entry = mappings_.find(key);
        if (!entry || entry->kernel_until > until + Time{1000}) continue;
        MappingEntry& restored = *mappings_.edit(key);
        restored.listener = true;
        restored.kernel_until = std::min(restored.kernel_until, until);
    }
}

bool Mappings::restore(const Reachable& reachable) {
    const MappingEntry* entry = find_outside({reachable.transport, reachable.outside});
    if (entry) mappings_.edit(entry->key())->reachable = true;
    return entry != nullptr;
}

void Mappings::end_restore(std::span<const StoredElement> elements, std::vector<Change>& changes) {
    for (const StoredElement& stored : elements) {
        const auto* reachable = std::get_if<Reachable>(&stored.element);
        if (const auto* diversion = std::get_if<Diversion>(&stored.element)) {
            // Where nothing is translated (N2), only calls and bindings know the mapping.
            const Socket inside{diversion->transport, diversion->inside};
            if (MappingEntry* entry = mappings_.edit(MappingKey{inside, inside.endpoint.address}))
                entry->listener = true;
        } else if (reachable && !restore(*reachable)) {
            changes.push_back(removal(*reachable));
        }
    }
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
