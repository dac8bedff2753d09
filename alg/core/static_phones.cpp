#include "alg/core/static_phones.hpp"

#include <algorithm>

namespace sipalg {

void map_static_phones(State& state, std::span<const StaticPhone> wanted, Time now, Decision& decision) {
    decision.clear();
    const auto& sip_ports = state.policy.sip_ports;
    for (const StaticPhone& one : wanted) {
        const std::uint16_t port = one.inside.endpoint.port;
        const nat::MappingKey key{one.inside, one.egress.address};
        const bool known = state.mappings.find(key) != nullptr;
        const nat::MappingEntry* entry =
            state.mappings.map(one.inside, one.egress, {port, 1, true}, now, decision.changes);
        if (!entry || entry->mapping.outside.port != port)
            decision.events.push_back({Event::Kind::unreachable_phone, one.inside.endpoint.text(),
                                       "the port is in use at " + one.egress.advertised.text()});
        if (!entry) continue;
        if (!known) state.mappings.set_shown(*entry, entry->shown.when_presumed());
        const bool is_sip_port = std::find(sip_ports.begin(), sip_ports.end(), port) != sip_ports.end();
        state.mappings.refresh(key, !is_sip_port, now, decision.changes);
    }
}

}  // namespace sipalg
