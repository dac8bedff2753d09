#include "alg/core/nat_detection.hpp"

#include "alg/core/state.hpp"
#include "alg/sip/name_addr.hpp"
#include "alg/sip/uri.hpp"

namespace sipalg {

namespace {

bool is_shown_to_peer(const State& state, const Envelope& envelope, Transport transport,
                      const sip::HostPort& shown) {
    const nat::MappingEntry* entry =
        state.mappings.find_named({transport, {*shown.address, shown.port.value_or(5060)}});
    return entry && entry->shown.inside && entry->mapping.inside.address == envelope.destination.address;
}

bool is_shown_to_peer(const State& state, const Envelope& envelope, const sip::LiteralTarget& uri) {
    return is_shown_to_peer(state, envelope, sip::transport_of(uri.transport, envelope.transport),
                            uri.host_port);
}

// Unknown hosts prove nothing (X3), not even if the owner forwards a port to the phone.
bool is_heard(const State& state, const Envelope& envelope) {
    const nat::MappingEntry* entry = state.mappings.find(
        nat::MappingKey{{envelope.transport, envelope.destination}, envelope.egress.address});
    return entry && (entry->adopted || is_let_in(state, envelope));
}

/// Whether the contacts of a 2xx include the inside address of `requested` with its user, and whether they
/// include its public endpoint.
struct Listed {
    bool is_private = false, is_public = false;
};
Listed find_contact(const State& state, const Envelope& envelope,
                    const registration::Pending::Contact& requested) {
    const Socket& inside = requested.inside;
    Listed listed;
    const nat::MappingEntry* mapping = state.mappings.find(nat::MappingKey{inside, envelope.egress.address});
    for (const sip::Header& header : state.message.headers()) {
        if (header.id != sip::HeaderId::contact) continue;
        std::string_view rest = header.value;
        while (const auto entry = sip::next_name_addr(rest)) {
            const auto uri = sip::literal_target(entry->uri);
            if (!uri) continue;
            const Socket shown{sip::transport_of(uri->transport, envelope.transport),
                               {*uri->host_port.address, uri->host_port.port.value_or(5060)}};
            if (shown == inside) {
                const auto whole = sip::parse_uri(entry->uri);
                listed.is_private =
                    listed.is_private || (whole && whole->user.substr(0, max_identifier) == requested.user);
            }
            listed.is_public = listed.is_public || (mapping && state.mappings.find_named(shown) == mapping);
        }
    }
    return listed;
}

// A registrar that handles NAT lists the inside address in place of the public one that the REGISTER had. A
// private contact beside the public one may be stale, and a contact with another user, port or transport may
// belong to another device, perhaps at another site. `received` proves nothing in either case, and neither
// does a 2xx to the end of a registration, which lists other contacts only.
NatProof proof_of_registrar(const State& state, const Envelope& envelope, Time now) {
    const sip::Message& message = state.message;
    if (message.status() < 200 || message.status() >= 300) return NatProof::none;
    const auto* request =
        state.registrations.answered(message, envelope.destination.address, envelope.source.address, now);
    if (!request || request->unmodified || !names_shown_endpoint(state, envelope)) return NatProof::none;
    NatProof proof = NatProof::none;
    for (const auto& contact : request->contacts) {
        if (contact.expires == 0) continue;
        const Listed listed = find_contact(state, envelope, contact);
        if (listed.is_private && !listed.is_public) return NatProof::handles;
        if (listed.is_public && !listed.is_private) proof = NatProof::does_not;
    }
    return proof;
}

}  // namespace

NatProof nat_proof(const State& state, const Envelope& envelope, Time now) {
    const sip::Message& message = state.message;
    if (!message.is_request())
        return message.method() == sip::Method::register_ ? proof_of_registrar(state, envelope, now)
                                                          : NatProof::none;
    const auto uri = sip::literal_target(message.request_uri());
    const bool by_inside_address = uri && uri->host_port.address == envelope.destination.address;
    return by_inside_address && is_heard(state, envelope) ? NatProof::handles : NatProof::none;
}

bool is_let_in(const State& state, const Envelope& envelope) {
    const nat::MappingEntry* entry = state.mappings.find(
        nat::MappingKey{{envelope.transport, envelope.destination}, envelope.egress.address});
    return entry && state.mappings.pinholes().find(
                        {envelope.transport, envelope.source.address, entry->mapping.outside});
}

bool names_shown_endpoint(const State& state, const Envelope& envelope) {
    const sip::Message& message = state.message;
    const sip::HostPort& sent_by = message.top_via().sent_by;
    if (sent_by.address && is_shown_to_peer(state, envelope, envelope.transport, sent_by)) return true;
    if (!message.is_request()) return false;
    const auto uri = sip::literal_target(message.request_uri());
    return uri && is_shown_to_peer(state, envelope, *uri);
}

}  // namespace sipalg
