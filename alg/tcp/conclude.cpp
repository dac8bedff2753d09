#include "alg/tcp/conclude.hpp"

#include <algorithm>

#include "alg/tcp/emit.hpp"
#include "alg/tcp/timers.hpp"

namespace sipalg::tcp {

namespace {

// A RST ends a connection only if it has the sequence number that the other end expects. Otherwise the other
// end challenges the sender, which then sends a RST with that number (RFC 5961 3.2). The expected number is
// between the last acknowledgement of the other end and the end of the bytes that were sent to it.
bool is_accepted_reset(const Direction& sender, const Carrier& carrier) {
    return carrier.begin >= sender.acknowledged_in() &&
           carrier.begin <= std::max(sender.received(), sender.sent()) + (sender.fin ? 1 : 0);
}

void stop_reading(Connection& connection, Time now, std::vector<Output>& outputs) {
    emit_queued(connection, Output::Kind::pass, outputs);
    connection.enter(Phase::unread, now);
}

// Acknowledged bytes, a keep-alive, or a reordered segment: changes nothing.
void conclude_repeat(const Step& step, Connection& connection, std::vector<Output>& outputs) {
    const Carrier& carrier = step.carrier;
    if (!connection.needs_us()) {
        outputs.push_back({Output::Kind::pass, carrier.token, {}, {}, {}});
        return;
    }
    Direction& direction = connection.direction(step.from);
    if (const auto chunk = direction.send(carrier))
        emit(connection, step.from, carrier, *chunk, outputs);
    else
        outputs.push_back({Output::Kind::drop, carrier.token, {}, {}, {}});
    if (carrier.end > carrier.begin && carrier.end <= direction.local_ack())
        acknowledge(connection, step.from, outputs);
}

void conclude_data(const Step& step, Connection& connection, bool in_force, const Room& room, Time now,
                   std::vector<Output>& outputs) {
    Direction& direction = connection.direction(step.from);
    const Carrier& carrier = step.carrier;
    const bool has_payload = carrier.end > carrier.begin;
    connection.record.conclude(in_force);
    direction.settle(in_force);
    if (connection.editing) {
        send_ready(connection, step.from, &carrier, room.in_queue, outputs);
        // The acknowledgement in this segment may have made room for bytes that wait in the other direction.
        send_ready(connection, opposite(step.from), nullptr, true, outputs);
        const bool waits_behind_gap = direction.has_gap() && carrier.end > direction.received();
        const bool acknowledged_before = has_payload && carrier.end <= direction.local_ack();
        if (waits_behind_gap || acknowledged_before) acknowledge(connection, step.from, outputs);
    } else {
        outputs.push_back({Output::Kind::pass, carrier.token, {}, {}, {}});
        const bool behind_gap = carrier.begin > direction.received();
        if (behind_gap && direction.has_use_for(carrier) && room.in_memory)
            direction.enqueue(carrier, true);
        else if (behind_gap)
            direction.stop_reading();
        direction.mark_all_sent();
    }
    update_timers(connection, step.from, has_payload, now);
    if (connection.from_phone.fin && connection.from_peer.fin)
        connection.enter(Phase::closed, now);
    else if (has_payload)
        connection.enter(Phase::open, now);
    else if (step.from == connection.opener)
        connection.enter(Phase::established, now);
}

}  // namespace

void conclude_packet(const Step& step, Connection& connection, bool in_force, const Room& room, Time now,
                     std::vector<Output>& outputs) {
    const Carrier& carrier = step.carrier;
    switch (step.action) {
        case Step::Action::syn: emit_syn(connection, carrier, outputs); break;
        case Step::Action::data: conclude_data(step, connection, in_force, room, now, outputs); break;
        case Step::Action::repeat: conclude_repeat(step, connection, outputs); break;
        case Step::Action::stop_reading:
            conclude_data(step, connection, in_force, room, now, outputs);
            stop_reading(connection, now, outputs);
            break;
        case Step::Action::reset: {
            Direction& sender = connection.direction(step.from);
            if (!is_accepted_reset(sender, carrier)) {
                emit(connection, step.from, carrier, {carrier.begin, carrier.segment.payload, true}, outputs);
                break;
            }
            emit_queued(connection, Output::Kind::drop, outputs);
            if (const auto chunk = sender.send(carrier))
                emit(connection, step.from, carrier, *chunk, outputs);
            else
                outputs.push_back({Output::Kind::drop, carrier.token, {}, {}, {}});
            connection.enter(Phase::reset, now);
            break;
        }
        case Step::Action::refuse:
            if (connection.phase() == Phase::refused)
                reset(connection, step.from, carrier.segment, outputs);
            else if (connection.needs_us())
                refuse(connection, now, outputs);
            if (connection.phase() == Phase::refused) {
                outputs.push_back({Output::Kind::drop, carrier.token, {}, {}, {}});
            } else {
                outputs.push_back({Output::Kind::pass, carrier.token, {}, {}, {}});
                stop_reading(connection, now, outputs);
            }
            break;
        case Step::Action::pass:
        case Step::Action::drop:
        case Step::Action::none: break;
    }
}

// The kernel has the record before the sender's bytes are acknowledged (law 1).
void conclude_local_ack(Connection& connection, bool in_force, Time now, std::vector<Output>& outputs) {
    connection.record.conclude(in_force);
    for (const Side sender : {Side::inside, Side::outside}) {
        Direction& direction = connection.direction(sender);
        if (!direction.has_planned_local_ack()) continue;
        if (!in_force) {
            direction.cancel_local_ack();
            continue;
        }
        direction.confirm_local_ack();
        acknowledge(connection, sender, outputs);
        connection.start_retransmission(now);
    }
}

}  // namespace sipalg::tcp
