#include "alg/core/door.hpp"

#include "alg/core/inspect_message.hpp"
#include "alg/core/state.hpp"
#include "alg/sip/splitter.hpp"

namespace sipalg {

void Decision::clear() {
    reason = Reason::unchanged;
    dropped = false;
    rewritten = false;
    scan_first = false;
    payload.clear();
    changes.clear();
    stale.clear();
    ended.clear();
    events.clear();
    explained.clear();
    stream = false;
    reasons.clear();
    outputs.clear();
}

namespace {

void decide(State::Impl& impl, const Packet& packet, const Arrival& arrival, Time now, Decision& decision) {
    const sip::ParseError error = impl.message.parse(packet.payload);
    if (error != sip::ParseError::none) {
        decision.reason = error == sip::ParseError::not_sip
                              ? reason_of(sip::classify_datagram(packet.payload))
                              : reason_of(error);
        decision.dropped = error != sip::ParseError::not_sip && impl.policy.drop_malformed;
        return;
    }
    if (arrival.egress.address.family() != packet.source.address.family()) {
        decision.reason = Reason::no_address;
        return;
    }
    inspect_message(
        impl,
        {packet.transport, packet.source, packet.destination, arrival.from, arrival.egress, arrival.scanned},
        now, decision);
    if (decision.rewritten) impl.edits.apply(decision.payload);
}

}  // namespace

void inspect(State& state, const Arrival& arrival, Time now, Decision& decision) {
    decision.clear();
    const auto packet = parse_packet(arrival.bytes);
    if (!packet) {
        decision.reason = Reason::unreadable_packet;
        return;
    }
    State::Impl& impl = state.impl();
    if (impl.mode_of(*packet, arrival.from) == Mode::off) {
        decision.reason = Reason::switched_off;
        return;
    }
    if (packet->transport == Transport::tcp) {
        impl.connections.arrive(impl, arrival, *packet, now, decision);
        return;
    }
    decide(impl, *packet, arrival, now, decision);
    // What is asked again is counted then.
    if (decision.scan_first) return;
    const bool outward = arrival.from == Side::inside;
    const FlowKey key{packet->transport, outward ? packet->source : packet->destination,
                      outward ? packet->destination : packet->source};
    note_flow(impl, key, arrival.from, decision.reason, packet->payload, now);
}

void conclude(State& state, const Arrival& arrival, bool in_force, Time now, Decision& decision) {
    state.impl().connections.conclude(arrival, in_force, now, decision);
}

void end_streams(State& state, Time now, Decision& decision) {
    decision.clear();
    state.impl().connections.end_shifted(now, decision);
}

void expire(State& state, Time now, Decision& decision) {
    decision.clear();
    State::Impl& impl = state.impl();
    Effects effects{decision.changes, decision.stale, decision.ended, decision.events};
    impl.registrations.expire(now, effects);
    impl.calls.expire(now, effects);
    impl.connections.expire(impl, now, decision);
    impl.mappings.expire(now, decision.changes);
    impl.flows.expire(now);
    impl.nat_handling.expire(now, [&](const nat::PhonePeer& pair) {
        return impl.registrations.is_registered(pair.phone, pair.peer);
    });
}

void learn(State& state, std::span<const LatchedSource> sources, Time now, Decision& decision) {
    decision.clear();
    Effects effects{decision.changes, decision.stale, decision.ended, decision.events};
    for (const LatchedSource& source : sources) {
        // Whatever it is, it is taken away: nothing old may be found behind a later latch.
        decision.changes.push_back({Change::Op::remove, source, {}});
        if (is_some_host(source.remote, state.impl())) state.impl().calls.learn(source, now, effects);
    }
}

}  // namespace sipalg
