#include "alg/call/unknown_dialog.hpp"

namespace sipalg::call {

namespace {

const nat::MappingEntry* map(const Socket& inside, const Egress& egress, nat::PortWish wish, Time now,
                             nat::Mappings& mappings, Effects& effects) {
    wish.media = true;
    const nat::MappingEntry* entry = mappings.map(inside, egress, wish, now, effects.changes);
    if (entry && entry->users == 0)
        mappings.refresh(entry->key(), false, now, effects.changes, false);
    else if (!entry)
        effects.limit = effects.limit || !nat::is_forbidden_port(inside.endpoint.port);
    return entry;
}

// Maps the stream's endpoints of which `wanted` is true.
void map_stream(const Stream& stream, const auto& wanted, const Egress& egress, Time now,
                nat::Mappings& mappings, Effects& effects) {
    const bool pair = stream.rtp.port != 0 && stream.rtcp.address == stream.rtp.address &&
                      stream.rtcp.port == stream.rtp.port + 1;
    nat::PortWish rtcp;
    if (stream.rtp.port != 0 && wanted({stream.transport, stream.rtp})) {
        const nat::PortWish wish{0, pair ? 2U : 1U, false};
        const nat::MappingEntry* entry =
            map({stream.transport, stream.rtp}, egress, wish, now, mappings, effects);
        if (entry && pair) rtcp.preferred = static_cast<std::uint16_t>(entry->mapping.outside.port + 1);
    }
    if (stream.rtcp.port != 0 && wanted({Transport::udp, stream.rtcp}))
        map({Transport::udp, stream.rtcp}, egress, rtcp, now, mappings, effects);
    for (const MediaSocket& further : stream.further)
        if (wanted(further.socket)) map(further.socket, egress, {}, now, mappings, effects);
}

}  // namespace

bool describes_in_dialog(const sip::Message& message) {
    if (message.to_tag().empty()) return false;
    if (!message.is_request() && (message.status() <= 100 || message.status() >= 300)) return false;
    switch (message.method()) {
        case sip::Method::invite:
        case sip::Method::ack:
        case sip::Method::prack:
        case sip::Method::update: return true;
        default: return false;
    }
}

void map_unknown_dialog(const Session& session, const Egress& egress, Time now, nat::Mappings& mappings,
                        Effects& effects) {
    const auto all = [](const Socket&) { return true; };
    for (const Stream& stream : session)
        map_stream(stream, all, egress, now, mappings, effects);
}

void map_remaining(const Session& session, const Address& phone, const Egress& egress, Time now,
                   nat::Mappings& mappings, Effects& effects) {
    const auto remains = [&](const Socket& inside) {
        return inside.endpoint.address == phone && !mappings.find(nat::MappingKey{inside, egress.address});
    };
    // The meaning of 0.0.0.0 depends on existing mappings, so a retransmission could have another result
    // (C10).
    for (const Stream& stream : session)
        if (!stream.on_hold) map_stream(stream, remains, egress, now, mappings, effects);
}

}  // namespace sipalg::call
