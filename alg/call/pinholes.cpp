// What a call holds is brought in line with what its negotiation asks for.
#include <algorithm>

#include "alg/call/calls.hpp"
#include "alg/kernel/record.hpp"
#include "alg/policy/timing.hpp"

namespace sipalg::call {

Time Calls::lifetime(const Call& call, Time now) const {
    if (call.state == Call::State::confirmed) return now + confirmed_time;
    return std::max(call.ringing_until, now + Time{1000});
}

// Of a phone's delegates, some may be translated and others not (N5).
Egress Calls::egress_of(const CallKey& key, const Call& call, const Address& inside) const {
    if (inside == key.phone || policy_.treatments.is_translated(inside)) return call.egress;
    return {inside, inside};
}

void Calls::settle(const CallKey& key, Call& call, Time now, Effects& effects) {
    const Time until = lifetime(call, now);
    std::vector<nat::MappingKey> mapped;
    std::vector<CallPinhole> pins;
    std::vector<CallLatch> latches;
    const bool restoring = call.restored && call.mapped.empty();
    std::uint16_t after_previous = 0;  // the public port behind the RTP port just mapped: its RTCP's place
    Socket previous;
    std::vector<Want> wants = wanted(call, source_of(key, call));
    for (std::size_t i = 0; i < wants.size(); ++i) {
        Want& want = wants[i];
        const auto follows = [](const Socket& a, const Socket& b) {
            return a.transport == b.transport && a.endpoint.address == b.endpoint.address &&
                   a.endpoint.port + 1 == b.endpoint.port;
        };
        nat::PortWish wish;
        // What stands behind it in its own line goes with it; the next line's ports are looked for by
        // themselves.
        while (i + wish.run < wants.size() && wants[i + wish.run].same_line &&
               follows(wants[i + wish.run - 1].inside, wants[i + wish.run].inside))
            ++wish.run;
        const bool behind = i > 0 && follows(previous, want.inside);
        if (behind) wish.preferred = after_previous;
        const nat::MappingEntry* entry =
            mappings_.map(want.inside, egress_of(key, call, want.inside.endpoint.address), wish, now);
        if (!entry) {
            effects.limit = effects.limit || !nat::is_forbidden_port(want.inside.endpoint.port);
            continue;
        }
        if (behind && want.same_line && !entry->joined && entry->mapping.outside.port == after_previous)
            mappings_.join(entry->key());
        previous = want.inside;
        after_previous = static_cast<std::uint16_t>(entry->mapping.outside.port + 1);
        const nat::MappingKey mapping = entry->key();
        if (std::find(call.mapped.begin(), call.mapped.end(), mapping) == call.mapped.end())
            mappings_.hold(mapping, until, now, effects.changes);
        mapped.push_back(mapping);
        bool announced = false;  // by a description that has just come
        for (CallPinhole& pin : want.pins) {
            if (pin.pinhole.remote == call.egress.address || pin.pinhole.remote == call.egress.advertised)
                continue;
            pin.pinhole.outside = entry->mapping.outside;
            pin.shown = entry->public_endpoint();
            const auto old = std::find_if(call.pins.begin(), call.pins.end(),
                                          [&](const CallPinhole& there) { return there.same_hole(pin); });
            const bool had = old != call.pins.end();
            announced = announced || (!pin.learned && !pin.early && (!had || old->early));
            if (!had) {
                const bool opened = mappings_.hold(pin.pinhole, until, now, effects.changes);
                // A flow from before would keep its old translation (C7), unless that is the right one.
                if (opened && !entry->adopted) pin.add_flows(effects.stale);
            }
            pins.push_back(std::move(pin));
        }
        if (want.latch)
            keep_latch(call, {want.inside.transport, entry->mapping.outside}, announced && !restoring,
                       latches);
    }
    for (const CallPinhole& old : call.pins)
        if (std::none_of(pins.begin(), pins.end(),
                         [&](const CallPinhole& pin) { return pin.same_hole(old); }) &&
            mappings_.release(old.pinhole, effects.changes))
            old.add_flows(effects.ended);
    for (const nat::MappingKey& old : call.mapped)
        if (std::find(mapped.begin(), mapped.end(), old) == mapped.end())
            mappings_.release(old, now, effects.changes);
    call.mapped = std::move(mapped);
    call.pins = std::move(pins);
    set_latches(key, call, std::move(latches), now, effects);
    name_formerly(call, until);
    // What was held before still has its old timeout, so the renewal can only come nearer.
    const Time half = now + (until - now) / 2;
    if (call.renew_at == Time{0} || half < call.renew_at) call.renew_at = half;
    save(key, call, now, effects);
}

void Calls::save(const CallKey& key, Call& call, Time now, Effects& effects) {
    std::string record = call.state == Call::State::closing ? std::string{} : write_record(key, call);
    const auto timeout = std::chrono::ceil<Seconds>(lifetime(call, now) - now);
    store_record(call.record_id, call.record, record, false, timeout, effects.changes);
    call.record = std::string(record);  // a copy has no room to spare, and is kept for as long as the call
}

}  // namespace sipalg::call
