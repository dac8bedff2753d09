#include "alg/nat/mapping_restorer.hpp"

#include <algorithm>
#include <variant>

#include "alg/kernel/change.hpp"
#include "alg/policy/timing.hpp"

namespace sipalg::nat {

void MappingRestorer::begin(const Advertised& advertised) {
    for (const StoredElement& stored : elements_) {
        const Time until = now_ + stored.remaining;
        if (const auto* mapping = std::get_if<Mapping>(&stored.element))
            restore(*mapping, advertised(mapping->outside.address), until, stored.note);
        else if (const auto* pinhole = std::get_if<Pinhole>(&stored.element))
            all_.pinholes_.restore(*pinhole, until, stored.note);
        all_.commit();  // keeps the transaction small, as StagedMap expects
    }
    // This must precede the extension by calls, bindings and connections, after which the timeouts no longer
    // show which mappings live as long as the diversion.
    for (const StoredElement& stored : elements_)
        if (const auto* diversion = std::get_if<Diversion>(&stored.element))
            restore(*diversion, now_ + stored.remaining);
    all_.commit();
}

void MappingRestorer::restore(const Mapping& mapping, const Address& advertised, Time until,
                              const SharedText& note) {
    MappingEntry entry;
    entry.mapping = mapping;
    entry.advertised = advertised;
    entry.of_calls = note == of_calls_note;
    if (!entry.of_calls) entry.idle_until = until - std::min(idle_margin, until);
    entry.kernel_until = until;
    entry.shown = entry.shown.when_presumed();
    all_.note_outside_address(mapping.outside.address);
    all_.ports_.enter(mapping, advertised);
    all_.per_phone_.more(mapping.inside.address);
    all_.mappings_.put(entry.key(), entry);
}

// If one endpoint has several mappings, the Diversion belongs to the mappings that do not outlive it (the
// kernel counts whole seconds). Both are renewed together, before the first one ends.
void MappingRestorer::restore(const Diversion& diversion, Time until) {
    for (const Address& outside : all_.outside_addresses_) {
        const MappingKey key{{diversion.transport, diversion.inside}, outside};
        const MappingEntry* entry = all_.mappings_.find(key);
        if (!entry || entry->kernel_until > until + Time{1000}) continue;
        MappingEntry& restored = *all_.mappings_.edit(key);
        restored.diverted = true;
        restored.kernel_until = std::min(restored.kernel_until, until);
    }
}

const MappingEntry* MappingRestorer::restore(const Reachable& reachable) {
    const MappingEntry* entry = all_.find_outside({reachable.transport, reachable.outside});
    if (!entry) return nullptr;
    MappingEntry* restored = all_.mappings_.edit(entry->key());
    restored->reachable = true;
    return restored;
}

// Only now it is certain which mappings exist: where nothing is translated (N2), only calls and bindings know
// them. If these have extended a mapping, its other elements are renewed with it, or they would end earlier.
void MappingRestorer::end(std::vector<Change>& changes) {
    for (const StoredElement& stored : elements_) {
        const Time until = now_ + stored.remaining;
        if (const auto* diversion = std::get_if<Diversion>(&stored.element)) {
            const Socket inside{diversion->transport, diversion->inside};
            MappingEntry* entry = all_.mappings_.edit(MappingKey{inside, inside.endpoint.address});
            if (!entry) continue;
            entry->diverted = true;
            if (entry->kernel_until > until) all_.add_diversion(*entry, Change::Op::renew, now_, changes);
        } else if (const auto* reachable = std::get_if<Reachable>(&stored.element)) {
            const MappingEntry* entry = restore(*reachable);
            if (!entry)
                changes.push_back(removal(*reachable));
            else if (entry->kernel_until > until)
                changes.push_back(change(Change::Op::renew, *reachable, entry->kernel_until, now_));
        }
    }
    // Not in begin(): most have users by now, and no deadline.
    std::vector<MappingKey> used, left;
    for (const auto& [key, entry] : all_.mappings_)
        if (entry.users > 0)
            used.push_back(key);
        else if (entry.of_calls)
            left.push_back(key);
        else
            all_.schedule(entry, now_);
    // They were kept for later calls of the earlier daemon.
    for (const MappingKey& key : left) {
        all_.forget(*all_.mappings_.find(key), now_, changes);
        all_.commit();
    }
    for (const MappingKey& key : used) {
        all_.mappings_.edit(key)->idle_until = Time{0};
        all_.commit();
    }
    all_.pinholes_.remove_unused(changes);
}

}  // namespace sipalg::nat
