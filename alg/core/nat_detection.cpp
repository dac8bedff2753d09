#include "alg/core/nat_detection.hpp"

#include "alg/core/state.hpp"
#include "alg/sip/uri.hpp"

namespace sipalg {

namespace {

bool was_told(const State& state, const Envelope& envelope, Transport transport,
              const sip::HostPort& shown) {
    const nat::MappingEntry* entry =
        state.mappings.find_named({transport, {*shown.address, shown.port.value_or(5060)}});
    return entry && entry->rewritten && entry->mapping.inside.address == envelope.destination.address;
}

bool was_told(const State& state, const Envelope& envelope, const sip::LiteralTarget& uri) {
    return was_told(state, envelope, sip::transport_of(uri.transport, envelope.transport), uri.host_port);
}

// A stranger's word makes no state (X3), not even through a port that the owner has forwarded.
bool is_let_in(const State& state, const Envelope& envelope) {
    const nat::MappingEntry* entry = state.mappings.find(
        nat::MappingKey{{envelope.transport, envelope.destination}, envelope.egress.address});
    if (!entry) return false;
    const Pinhole pinhole{envelope.transport, envelope.source.address, entry->mapping.outside};
    return entry->adopted || state.mappings.find(pinhole);
}

// A registrar that has seen where the REGISTER came from says so beside the contact that it keeps, or has put
// the inside address back in the place of the public one. A private contact alone may be a forgotten one.
bool keeps_private_contact(const State& state, const Envelope& envelope) {
    const sip::Message& message = state.message;
    const Address& phone = envelope.destination.address;
    bool with_source = false, private_contact = false, public_contact = false;
    for (const sip::Header& header : message.headers()) {
        if (header.id != sip::HeaderId::contact) continue;
        std::string_view rest = header.value;
        while (const auto entry = sip::next_name_addr(rest)) {
            const auto uri = sip::literal_target(entry->uri);
            if (!uri) continue;
            const bool is_private = uri->host_port.address == phone;
            private_contact = private_contact || is_private;
            with_source = with_source || (is_private && sip::parameter(entry->parameters, "received"));
            public_contact = public_contact || was_told(state, envelope, *uri);
        }
    }
    return with_source || (private_contact && !public_contact && names_what_was_told(state, envelope));
}

}  // namespace

bool peer_handles_nat(const State& state, const Envelope& envelope) {
    const sip::Message& message = state.message;
    const Address& phone = envelope.destination.address;
    if (message.is_request()) {
        const auto uri = sip::literal_target(message.request_uri());
        return uri && uri->host_port.address == phone && is_let_in(state, envelope);
    }
    return message.method() == sip::Method::register_ && message.status() >= 200 && message.status() < 300 &&
           state.registrations.awaits(message.call_id(), phone, envelope.source.address) &&
           keeps_private_contact(state, envelope);
}

bool names_what_was_told(const State& state, const Envelope& envelope) {
    const sip::Message& message = state.message;
    if (!message.is_request()) {
        const sip::HostPort& sent_by = message.top_via().sent_by;
        return sent_by.address && was_told(state, envelope, envelope.transport, sent_by);
    }
    const auto uri = sip::literal_target(message.request_uri());
    return uri && was_told(state, envelope, *uri);
}

}  // namespace sipalg
