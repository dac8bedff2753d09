#include "alg/core/seen_message.hpp"

#include "alg/core/state.hpp"

namespace sipalg {

void note_seen(const State& state, const Envelope& envelope, std::string_view bytes, Reason reason,
               std::span<const Explained> places, Decision& decision) {
    const bool outward = envelope.from == Side::inside;
    SeenMessage seen;
    seen.transport = envelope.transport;
    seen.from = envelope.from;
    seen.phone = outward ? envelope.source : envelope.destination;
    seen.peer = outward ? envelope.destination : envelope.source;
    seen.public_endpoint = seen.phone;
    const nat::MappingKey key{{envelope.transport, seen.phone}, envelope.egress.address};
    if (const nat::MappingEntry* entry = state.mappings.find(key))
        seen.public_endpoint = entry->mapping.outside;
    else if (envelope.egress.address)
        seen.public_endpoint.address = envelope.egress.address;
    seen.reason = reason;
    seen.before = bytes;
    seen.places.assign(places.begin(), places.end());
    decision.seen.push_back(std::move(seen));
}

}  // namespace sipalg
