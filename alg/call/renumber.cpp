// Calls whose router has another address now (C11).
#include "alg/call/calls.hpp"
#include "alg/nat/old_endpoints.hpp"

namespace sipalg::call {

void Calls::renumber(nat::Renumbering& renumbering, Time now, Effects& effects) {
    std::vector<CallKey> moving;
    for (const auto& [key, call] : calls_)
        if (renumbering.target_of_holder(call.egress)) moving.push_back(key);
    for (const CallKey& key : moving) {
        Call& call = *calls_.edit(key);
        const Egress from = call.egress;
        follow_mappings(key, call, *renumbering.target_of_holder(from), renumbering, now, effects);
        name_formerly(call, lifetime(call, now));
        if (call.state == Call::State::closing) continue;
        ++renumbering.counts(from.address).calls;
        if (from.address != call.egress.address) {
            call.active = now;  // media are looked for anew
            listen_later(key, call, now);
        }
        save(key, call, now, effects);
        schedule(key, call, now);
    }
}

void Calls::follow_mappings(const CallKey& key, Call& call, const Egress& to, nat::Renumbering& renumbering,
                            Time now, Effects& effects) {
    const Egress from = std::exchange(call.egress, to);
    if (const nat::MappingEntry* entry = mappings_.find(nat::MappingKey{call.contact, to.address})) {
        const auto port = renumbering.former_port({call.contact, from.address});
        nat::add_former(call.former, {from.advertised, port.value_or(entry->mapping.outside.port)},
                        entry->public_endpoint());
    }
    // Those that were open are let go: a new answer opens them at the new address.
    set_latches(key, call, {}, now, effects);
    // What no port was left for is not there.
    std::erase_if(call.mapped, [&](nat::MappingKey& mapping) {
        if (mapping.outside != from.address) return false;  // of a delegate that is not translated
        mapping.outside = to.address;
        return !mappings_.find(mapping);
    });
    std::erase_if(call.pins, [&](CallPinhole& pin) {
        if (pin.pinhole.outside.address != from.address) return false;
        const nat::MappingEntry* entry =
            mappings_.find(nat::MappingKey{{pin.pinhole.transport, pin.inside}, to.address});
        if (!entry || entry->mapping.outside != pin.pinhole.outside) pin.add_flows(effects.ended);
        if (!entry) return true;
        pin.pinhole.outside = entry->mapping.outside;
        pin.shown = entry->public_endpoint();
        return false;
    });
}

void Calls::name_formerly(const Call& call, Time until) {
    for (const Endpoint& shown : call.former)
        mappings_.name_formerly({call.contact.transport, shown}, {call.contact, call.egress.address}, until);
}

}  // namespace sipalg::call
