#include "alg/inspect.hpp"

#include "alg/inspection.hpp"
#include "alg/sip/splitter.hpp"
#include "alg/state.hpp"

namespace sipalg {

namespace {

using call::Effects;

Reason reason_of(sip::Kind kind) {
    switch (kind) {
        case sip::Kind::keep_alive: return Reason::keep_alive;
        case sip::Kind::stun: return Reason::stun;
        case sip::Kind::tls: return Reason::tls;
        case sip::Kind::rtp: return Reason::media;
        case sip::Kind::http: return Reason::http;
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

}  // namespace

void Decision::clear() {
    reason = Reason::unchanged;
    dropped = false;
    rewritten = false;
    sweep_first = false;
    payload.clear();
    changes.clear();
    stale.clear();
    ended.clear();
    events.clear();
    explained.clear();
}

void inspect(State& state, const Arrival& arrival, Time now, Decision& decision) {
    decision.clear();
    const auto packet = parse_packet(arrival.bytes);
    if (!packet) {
        decision.reason = Reason::unreadable_packet;
        return;
    }
    State::Impl& impl = state.impl();
    const bool outward = arrival.from == Side::inside;
    const Address& phone = (outward ? packet->source : packet->destination).address;
    const Address& peer = (outward ? packet->destination : packet->source).address;
    if (impl.policy.treatments.mode_of(phone, peer) == Mode::off) {
        decision.reason = Reason::switched_off;
        return;
    }
    if (packet->transport != Transport::udp) {
        decision.reason = Reason::not_udp;
        return;
    }
    const sip::ParseError error = impl.message.parse(packet->payload);
    if (error != sip::ParseError::none) {
        decision.reason = error == sip::ParseError::not_sip
                              ? reason_of(sip::classify_datagram(packet->payload))
                              : reason_of(error);
        decision.dropped = error != sip::ParseError::not_sip && impl.policy.drop_malformed;
        return;
    }
    if (arrival.egress.address.family() != packet->source.address.family()) {
        decision.reason = Reason::no_address;
        return;
    }
    inspect_message(
        impl,
        {packet->transport, packet->source, packet->destination, arrival.from, arrival.egress, arrival.swept},
        now, decision);
}

void expire(State& state, Time now, Decision& decision) {
    decision.clear();
    State::Impl& impl = state.impl();
    Effects effects{decision.changes, decision.stale, decision.ended, decision.events};
    impl.registrations.expire(now, effects);
    impl.calls.expire(now, effects);
    impl.holdings.expire(now, decision.changes);
    impl.minding.expire(
        now, [&](const call::Pair& pair) { return impl.registrations.is_registered(pair.phone, pair.peer); });
}

void learn(State& state, std::span<const Learned> sources, Time now, Decision& decision) {
    decision.clear();
    Effects effects{decision.changes, decision.stale, decision.ended, decision.events};
    for (const Learned& source : sources) {
        // Whatever it is, it is taken away: nothing old may be found behind a later latch.
        decision.changes.push_back({Change::Op::remove, source, {}});
        if (is_some_host(source.remote, state.impl())) state.impl().calls.learn(source, now, effects);
    }
}

}  // namespace sipalg
