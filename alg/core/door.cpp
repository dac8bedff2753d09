#include "alg/core/door.hpp"

#include "alg/core/endpoint_resolver.hpp"
#include "alg/core/inspect_message.hpp"
#include "alg/core/note_step.hpp"
#include "alg/core/seen_message.hpp"
#include "alg/core/state.hpp"
#include "alg/core/stream_sink.hpp"
#include "alg/sip/splitter.hpp"

namespace sipalg {

void Decision::clear() {
    reason = Reason::unchanged;
    dropped = false;
    rewritten = false;
    asked.clear();
    payload.clear();
    destination_port.reset();
    changes.clear();
    stale.clear();
    ended.clear();
    events.clear();
    explained.clear();
    seen.clear();
    stream = false;
    step = {};
    reasons.clear();
    outputs.clear();
}

namespace {

void decide(State& state, const Arrival& arrival, Time now, Decision& decision) {
    const Packet& packet = *arrival.packet;
    const sip::ParseError error = state.message.parse(packet.payload);
    if (error != sip::ParseError::none) {
        decision.reason = error == sip::ParseError::not_sip
                              ? reason_of(sip::classify_datagram(packet.payload))
                              : reason_of(error);
        decision.dropped = error != sip::ParseError::not_sip && state.policy.drop_malformed;
        return;
    }
    if (arrival.egress.address.family() != packet.source.address.family()) {
        decision.reason = Reason::no_address;
        return;
    }
    inspect_message(
        state,
        {packet.transport, packet.source, packet.destination, arrival.from, arrival.egress, arrival.answered},
        now, decision);
    if (decision.rewritten) state.edits.apply(decision.payload);
}

// X13: a damaged packet passes, and its receiver drops it. On a connection with translated sequence numbers
// it is dropped here: unmodified it would have the wrong numbers, and rewriting would repair its checksum.
void refuse_damaged(const State& state, const Arrival& arrival, Decision& decision) {
    decision.reason = Reason::unreadable_packet;
    if (arrival.packet->transport != Transport::tcp) return;
    const tcp::Connection* connection = state.connections.find({arrival.phone(), arrival.peer()});
    decision.dropped = connection && connection->needs_us();
}

// X11: the peer has answered; the content of the packet does not matter. Pinholes that wait for this are open
// before the packet is delivered (law 1).
void prove(State& state, const Arrival& arrival, Time now, Decision& decision) {
    if (!arrival.established || arrival.from != Side::outside) return;
    const nat::PhonePeer pair{arrival.phone().address, arrival.peer().address};
    if (!state.proofs.note(pair, now)) return;
    Effects effects{decision.changes, decision.stale, decision.ended, decision.events};
    state.calls.prove(pair, now, effects);
    state.registrations.prove(pair, now, effects);
}

}  // namespace

void inspect(State& state, const Arrival& arrival, Time now, Decision& decision) {
    decision.clear();
    if (!arrival.packet) {
        decision.reason = Reason::unreadable_packet;
        return;
    }
    if (state.mode_of(arrival) == Mode::off) {
        decision.reason = Reason::switched_off;
        return;
    }
    if (arrival.checksum_unverified && !has_right_checksum(arrival.bytes, *arrival.packet)) {
        refuse_damaged(state, arrival, decision);
        return;
    }
    if (arrival.from == Side::inside) state.hosts.note(arrival.phone().address, arrival.neighbour, now);
    prove(state, arrival, now, decision);
    if (arrival.packet->transport == Transport::tcp) {
        StreamSink sink(state, decision, arrival.again);
        decision.step = state.connections.arrive(
            {arrival.from, arrival.bytes, *arrival.packet, arrival.egress, arrival.answered, arrival.token},
            sink, now, {decision.changes, decision.reasons});
        decision.stream = decision.step.is_read;
        decision.reason = decision.step.reason;
        return;
    }
    decide(state, arrival, now, decision);
    // Such a packet is counted when it is inspected again.
    if (!decision.asked.empty()) return;
    if (state.explaining) {
        note_seen(state,
                  {arrival.packet->transport, arrival.packet->source, arrival.packet->destination,
                   arrival.from, arrival.egress, arrival.answered},
                  arrival.packet->payload, decision.reason, decision.explained, decision);
        if (decision.rewritten) decision.seen.back().after = decision.payload;
    }
    if (!arrival.again)
        note_flow(state, arrival.flow(), arrival.from, decision.reason, arrival.packet->payload, now);
}

bool can_group(const State& state, const Arrival& arrival) {
    if (!arrival.packet) return false;
    if (arrival.packet->transport == Transport::udp) return true;
    return state.connections.can_stage({arrival.phone(), arrival.peer()}, arrival.bytes, *arrival.packet);
}

void inspect_in_group(State& state, const Arrival& arrival, Time now, Decision& decision) {
    if (arrival.packet->transport == Transport::tcp)
        state.connections.keep({arrival.phone(), arrival.peer()});
    inspect(state, arrival, now, decision);
    if (decision.stream) state.connections.stage(decision.step, now, decision.outputs);
}

void conclude(State& state, bool in_force, Time now, Decision& decision) {
    state.connections.conclude(decision.step, in_force, now, decision.outputs);
}

void end_connections(State& state, Time now, Decision& decision) {
    decision.clear();
    state.connections.reset_moved(now, decision.outputs);
}

void expire(State& state, Time now, Decision& decision) {
    decision.clear();
    Effects effects{decision.changes, decision.stale, decision.ended, decision.events};
    state.registrations.expire(now, effects);
    state.calls.expire(now, effects);
    StreamSink sink(state, decision);
    decision.step =
        state.connections.expire(sink, now, {decision.changes, decision.reasons}, decision.outputs);
    state.mappings.expire(now, decision.changes);
    state.flows.expire(now);
    state.mappings.listeners().expire(
        now, [&](const Address& phone) { return state.registrations.has_bindings(phone); }, decision.changes);
    state.proofs.expire(now);
    state.hosts.expire(now);
    forget_old_ladders(state);
    state.nat_handling.expire(now, [&](const nat::PhonePeer& pair) {
        return state.registrations.is_registered(pair.phone, pair.peer);
    });
}

std::size_t close_calls(State& state, const CallChoice& chosen, Time now, Decision& decision) {
    constexpr std::size_t most = 64;
    decision.clear();
    Effects effects{decision.changes, decision.stale, decision.ended, decision.events};
    return state.calls.close_chosen(chosen, most, now, effects);
}

void note_latched(State& state, std::span<const LatchedSource> sources, Time now, Decision& decision) {
    decision.clear();
    Effects effects{decision.changes, decision.stale, decision.ended, decision.events};
    for (const LatchedSource& source : sources) {
        // Remove it in any case, so that a later latch does not count it as its source.
        decision.changes.push_back({Change::Op::remove, source, {}});
        if (is_some_host(source.remote, state)) state.calls.add_latched(source, now, effects);
    }
}

}  // namespace sipalg
