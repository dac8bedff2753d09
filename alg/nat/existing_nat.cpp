#include "alg/nat/existing_nat.hpp"

namespace sipalg::nat {

void ExistingNat::note(const Mapping& mapping, bool by_phone, bool signalling) {
    const Socket outside{mapping.transport, mapping.outside};
    auto known = inside_.find(outside);
    if (known == inside_.end()) {
        if (inside_.size() >= most) return;
        std::size_t& of_host = of_host_[mapping.inside.address];
        if (of_host >= most_of_a_host) return;
        ++of_host;
        known = inside_.emplace(outside, Inside{}).first;
    } else if (known->second.scan == scan_ && known->second.endpoint != mapping.inside) {
        // If several hosts share one port in flows with different peers, the first one counts.
        return;
    }
    known->second = {mapping.inside, scan_};

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
}

const ExistingNat::Way* ExistingNat::find(const MappingKey& key) const {
    const auto it = ways_.find(key);
    return it == ways_.end() ? nullptr : &it->second;
}

const Endpoint* ExistingNat::find_public(const Socket& socket) const {
    const auto it = inside_.find(socket);
    return it == inside_.end() ? nullptr : &it->second.endpoint;
}

}  // namespace sipalg::nat
