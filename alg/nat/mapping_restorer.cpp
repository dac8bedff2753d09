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
            restore(*mapping, advertised(mapping->outside.address), until);
        else if (const auto* pinhole = std::get_if<Pinhole>(&stored.element))
            all_.pinholes_.restore(*pinhole, until);
    }
    // This must precede the extension by calls, bindings and connections, after which the timeouts no longer
    // show which mappings live as long as the diversion.
    for (const StoredElement& stored : elements_)
        if (const auto* diversion = std::get_if<Diversion>(&stored.element))
            restore(*diversion, now_ + stored.remaining);
}

void MappingRestorer::restore(const Mapping& mapping, const Address& advertised, Time until) {
    MappingEntry entry;
    entry.mapping = mapping;
    entry.advertised = advertised;
    entry.idle_until = until - std::min(idle_margin, until);
    entry.kernel_until = until;
    entry.shown = entry.shown.when_presumed();
    all_.note_outside_address(mapping.outside.address);
    all_.ports_.enter(mapping, advertised);
    all_.per_phone_.more(mapping.inside.address);
    all_.deadlines_.schedule(entry.key(), entry.idle_until);
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

bool MappingRestorer::restore(const Reachable& reachable) {
    const MappingEntry* entry = all_.find_outside({reachable.transport, reachable.outside});
    if (entry) all_.mappings_.edit(entry->key())->reachable = true;
    return entry != nullptr;
}

void MappingRestorer::end(std::vector<Change>& changes) {
    for (const StoredElement& stored : elements_) {
        const auto* reachable = std::get_if<Reachable>(&stored.element);
        if (const auto* diversion = std::get_if<Diversion>(&stored.element)) {
            // Where nothing is translated (N2), only calls and bindings know the mapping.
            const Socket inside{diversion->transport, diversion->inside};
            if (MappingEntry* entry = all_.mappings_.edit(MappingKey{inside, inside.endpoint.address}))
                entry->diverted = true;
        } else if (reachable && !restore(*reachable)) {
            changes.push_back(removal(*reachable));
        }
    }
    std::vector<MappingKey> used;
    for (const auto& [key, entry] : all_.mappings_)
        if (entry.users > 0) used.push_back(key);
    for (const MappingKey& key : used)
        all_.mappings_.edit(key)->idle_until = Time{0};
    all_.pinholes_.remove_unused(changes);
}

}  // namespace sipalg::nat
