#include "alg/core/classify.hpp"

#include "alg/tls/client_hello.hpp"

namespace sipalg {

namespace {

FlowKind kind_of(Reason reason, Transport transport) {
    switch (reason) {
        case Reason::keep_alive: return FlowKind::keep_alive;
        case Reason::stun: return FlowKind::stun;
        case Reason::tls: return transport == Transport::tcp ? FlowKind::tls : FlowKind::dtls;
        case Reason::http: return FlowKind::http;
        case Reason::media:
        case Reason::not_sip: return FlowKind::other;
        default: return FlowKind::sip;
    }
}

FlowTreatment treatment_of(Reason reason) {
    switch (reason) {
        case Reason::rewritten: return FlowTreatment::rewritten;
        case Reason::unchanged:
        case Reason::limit_reached: return FlowTreatment::followed;
        default: return FlowTreatment::unmodified;
    }
}

}  // namespace

Reason reason_of(sip::Kind kind) {
    switch (kind) {
        case sip::Kind::keep_alive: return Reason::keep_alive;
        case sip::Kind::stun: return Reason::stun;
        case sip::Kind::tls: return Reason::tls;
        case sip::Kind::rtp: return Reason::media;
        case sip::Kind::http: return Reason::http;
        case sip::Kind::oversize: return Reason::oversize;
        default: return Reason::not_sip;
    }
}

Reason reason_of(sip::ParseError error) {
    switch (error) {
        case sip::ParseError::malformed: return Reason::malformed;
        case sip::ParseError::truncated: return Reason::truncated;
        case sip::ParseError::too_many_headers: return Reason::too_many_headers;
        default: return Reason::not_sip;
    }
}

void note_flow(State& state, const FlowKey& key, Side from, Reason reason, std::string_view bytes, Time now) {
    FlowEntry& entry = state.flows.see(key, from, kind_of(reason, key.transport), now);
    entry.configured = true;
    entry.raise(treatment_of(reason));
    if (reason != Reason::tls) return;
    const tls::ClientHello hello =
        key.transport == Transport::tcp ? tls::read_stream(bytes) : tls::read_datagram(bytes);
    if (!hello.server_name.empty()) entry.server_name = hello.server_name;
}

}  // namespace sipalg
