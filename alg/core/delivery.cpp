#include "alg/core/delivery.hpp"

#include <string>

#include "alg/nat/listeners.hpp"
#include "alg/nat/ports.hpp"
#include "alg/sip/uri.hpp"

namespace sipalg {

namespace {

const sip::HostPort& sent_by(const State& state) {
    return state.message.top_via().sent_by;
}

bool is_translated(const State& state, const Address& phone, const Envelope& envelope) {
    const Address& peer = (envelope.source.address == phone ? envelope.destination : envelope.source).address;
    return envelope.egress.address != phone && state.policy.treatments.mode_of(phone, peer) != Mode::pinhole;
}

const nat::MappingEntry* find(const State& state, const Envelope& envelope, const Endpoint& inside) {
    return state.mappings.find(nat::MappingKey{{Transport::udp, inside}, envelope.egress.address});
}

// The response's topmost Via is the one that named the port: as rewritten, or as the phone wrote it.
bool answers(const State& state, const Endpoint& phone, const nat::Listener& listener) {
    if (!sent_by(state).address) return false;
    const Endpoint named{*sent_by(state).address, sent_by(state).port.value_or(5060)};
    if (named == Endpoint{phone.address, listener.responses}) return true;
    const nat::MappingEntry* entry = state.mappings.find_named({Transport::udp, named});
    return entry && entry->mapping.inside == phone;
}

// The Contact that the request names. If it names none (a server may name the source of the REGISTER), the
// dialog's Contact, else the phone's latest.
std::uint16_t port_for_request(const State& state, const Envelope& envelope, const nat::Listener& listener) {
    const Endpoint& phone = envelope.destination;
    if (const auto uri = sip::literal_target(state.message.request_uri())) {
        const Endpoint named{*uri->host_port.address, uri->host_port.port.value_or(5060)};
        const nat::MappingEntry* entry = state.mappings.find_named({Transport::udp, named});
        const Endpoint inside = entry ? entry->mapping.inside : named;
        if (inside.address == phone.address && inside.port != phone.port && find(state, envelope, inside))
            return inside.port;
    }
    const auto* call = state.calls.find_identity(state.message.call_id(), phone.address);
    const bool has_contact = call && call->contact.transport == Transport::udp &&
                             call->contact.endpoint.address == phone.address &&
                             call->contact.endpoint != phone;
    return has_contact ? call->contact.endpoint.port : listener.requests;
}

}  // namespace

// X1: the port is the same phone's. X2: it may be mapped.
bool note_listener(State& state, const Envelope& envelope, const std::optional<Socket>& contact, Time now,
                   Effects& effects) {
    const Endpoint& phone = envelope.source;
    const sip::Via& via = state.message.top_via();
    if (envelope.transport != Transport::udp || via.sent_by.address != phone.address) return false;
    nat::Listeners& listeners = state.mappings.listeners();
    const std::uint16_t port = via.sent_by.port.value_or(5060);
    if (port == phone.port) {
        listeners.forget(phone, effects.changes);
        return false;
    }
    if (via.rport || !via.maddr.empty() || nat::is_forbidden_port(port) ||
        !is_translated(state, phone.address, envelope))
        return false;
    const nat::Listener* known = listeners.find(phone);
    const bool is_new = !known;
    nat::Listener listener{port, known ? known->requests : port};
    if (contact && contact->transport == Transport::udp && !nat::is_forbidden_port(contact->endpoint.port))
        listener.requests = contact->endpoint.port;
    if (!listeners.note(phone, listener, state.record_ids, now, effects.changes)) return false;
    if (is_new)
        effects.events.push_back({Event::Kind::listens_elsewhere, phone.address.text(),
                                  "sends from port " + std::to_string(phone.port) +
                                      "; responses go to its port " + std::to_string(listener.responses) +
                                      ", requests to its port " + std::to_string(listener.requests)});
    return true;
}

std::optional<std::uint16_t> delivery_port(const State& state, const Envelope& envelope) {
    const Endpoint& phone = envelope.destination;
    if (envelope.transport != Transport::udp) return std::nullopt;
    const nat::Listener* listener = state.mappings.listeners().find(phone);
    if (!listener || !is_translated(state, phone.address, envelope)) return std::nullopt;
    if (state.message.is_request()) {
        const std::uint16_t port = port_for_request(state, envelope, *listener);
        return port == phone.port ? std::nullopt : std::optional(port);
    }
    return answers(state, phone, *listener) ? std::optional(listener->responses) : std::nullopt;
}

}  // namespace sipalg
