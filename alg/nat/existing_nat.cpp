#include "alg/nat/existing_nat.hpp"

#include <algorithm>

namespace sipalg::nat {

ExistingNat::Inside* ExistingNat::place(const Mapping& mapping) {
    const Socket outside{mapping.transport, mapping.outside};
    if (const auto known = inside_.find(outside); known != inside_.end()) return &known->second;
    if (inside_.size() >= limits_.max_existing_nat) return nullptr;
    std::size_t& of_host = of_host_[mapping.inside.address];
    if (of_host >= limits_.max_existing_nat_per_phone) return nullptr;
    ++of_host;
    return &inside_.emplace(outside, Inside{mapping.inside, scan_}).first->second;
}

void ExistingNat::note_change(const Mapping& mapping) {
    if (mapping.inside.port != mapping.outside.port) changed_.insert(mapping.inside.address);
}

void ExistingNat::note_seen(const Mapping& mapping) {
    Inside* inside = place(mapping);
    if (!inside) return;
    *inside = {mapping.inside, scan_};
    ways_[MappingKey{{mapping.transport, mapping.inside}, mapping.outside.address}] = {mapping.outside.port,
                                                                                       true, false, scan_};
    note_change(mapping);
}

void ExistingNat::note(const Mapping& mapping, bool by_phone, bool signalling) {
    Inside* known = place(mapping);
    if (!known) return;
    // If several hosts share one port in flows with different peers, the first one counts.
    if (known->scan == scan_ && known->endpoint != mapping.inside) return;
    *known = {mapping.inside, scan_};
    if (by_phone) note_change(mapping);

    Way& way = ways_[MappingKey{{mapping.transport, mapping.inside}, mapping.outside.address}];
    const bool same = way.scan == scan_ && way.port == mapping.outside.port;
    const bool better = way.scan != scan_ || (signalling && !way.signalling);
    if (same)
        way = {way.port, way.by_phone || by_phone, way.signalling || signalling, scan_};
    else if (better)
        way = {mapping.outside.port, by_phone, signalling, scan_};
}

void ExistingNat::end() {
    const auto unseen = [this](const auto& entry) { return entry.second.scan != scan_; };
    std::erase_if(ways_, unseen);
    std::erase_if(inside_, unseen);
    of_host_.clear();
    for (const auto& [outside, inside] : inside_)
        ++of_host_[inside.endpoint.address];
    changed_.clear();
    for (const auto& [key, way] : ways_)
        if (way.by_phone && way.port != key.inside.endpoint.port)
            changed_.insert(key.inside.endpoint.address);
}

const ExistingNat::Way* ExistingNat::find(const MappingKey& key) const {
    const auto it = ways_.find(key);
    return it == ways_.end() ? nullptr : &it->second;
}

const Endpoint* ExistingNat::find_public(const Socket& socket) const {
    const auto it = inside_.find(socket);
    return it == inside_.end() ? nullptr : &it->second.endpoint;
}

std::size_t ExistingNat::largest_share() const {
    std::size_t most = 0;
    for (const auto& [host, number] : of_host_)
        most = std::max(most, number);
    return most;
}

}  // namespace sipalg::nat
