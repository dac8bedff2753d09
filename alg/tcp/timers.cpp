#include "alg/tcp/timers.hpp"

#include <algorithm>

#include "alg/base/earliest.hpp"
#include "alg/tcp/emit.hpp"

namespace sipalg::tcp {

namespace {

using namespace std::chrono_literals;

// A sender with a full congestion window gets its acknowledgement after this time: before it retransmits
// (after 1 s by RFC 6298, after 200 ms in practice), but after the rest of most messages has arrived.
constexpr Time acknowledge_after = 20ms;
// The longest wait of an incomplete message for its next bytes, and in total.
constexpr Time longest_pause = 10s;
constexpr Time longest_wait = 60s;

// Plans a local acknowledgement for a direction that waits for the rest of a message. Does nothing while it
// waits for the receiver's window or while earlier bytes are in flight, because the sender retransmits those
// itself.
bool plan_local_ack(const Connection& connection, Direction& direction) {
    const bool incomplete =
        direction.sent() >= direction.parsed() && direction.parsed() < direction.received();
    const bool delivered = direction.acknowledged_in() >= direction.sent() || direction.has_undelivered();
    if (direction.local_ack() == direction.received() || !incomplete || !delivered ||
        !connection.can_make_segments())
        return false;
    direction.plan_local_ack();
    return true;
}

bool acknowledge_or_give_up(Connection& connection, Time now, std::vector<Reason>& reasons,
                            std::vector<Output>& outputs) {
    const Connection::Waiting waiting = connection.waiting.value_or(Connection::Waiting{now, now});
    bool planned = false, waits = false;
    for (const Side sender : {Side::inside, Side::outside}) {
        Direction& direction = connection.direction(sender);
        if (!direction.is_waiting()) continue;
        if (now - waiting.progress >= longest_pause || now - waiting.since >= longest_wait) {
            direction.pass_incomplete();
            direction.settle(false);
            send_ready(connection, sender, nullptr, true, outputs);
            reasons.push_back(Reason::let_through);
            continue;
        }
        waits = true;
        planned = plan_local_ack(connection, direction) || planned;
    }
    connection.acknowledge_at.reset();
    if (waits)
        connection.acknowledge_at = now + acknowledge_after;
    else
        connection.waiting.reset();
    return planned;
}

void retransmit(Connection& connection, Time now, std::vector<Output>& outputs) {
    Connection::Retransmission& timer = *connection.retransmission;
    for (const Side sender : {Side::inside, Side::outside}) {
        Direction& direction = connection.direction(sender);
        if (const auto chunk = direction.retransmission(connection.direction(opposite(sender)).mss)) {
            emit(connection, sender, *chunk, outputs);
            timer.repeated = true;
        } else if (direction.has_undelivered()) {
            probe_window(connection, sender, outputs);
        }
    }
    timer.interval *= 2;
    timer.at = now + timer.interval;
}

}  // namespace

void update_timers(Connection& connection, Side from, bool new_bytes, Time now) {
    if (connection.direction(from).is_waiting()) {
        if (!connection.waiting) connection.waiting = {now, now};
        if (new_bytes) connection.waiting->progress = now;
        if (!connection.acknowledge_at) connection.acknowledge_at = now + acknowledge_after;
    } else if (!connection.is_waiting()) {
        connection.waiting.reset();
        connection.acknowledge_at.reset();
    }
    if (connection.has_undelivered())
        connection.start_retransmission(now);
    else
        connection.retransmission.reset();
}

bool run_timers(Connection& connection, Time now, std::vector<Reason>& reasons,
                std::vector<Output>& outputs) {
    const auto& retransmission = connection.retransmission;
    const bool repeat = retransmission && now >= retransmission->at;
    if (connection.phase() == Phase::bytes_lost ||
        (repeat && retransmission->interval > last_retransmission)) {
        refuse(connection, now, outputs);
        return false;
    }
    const bool planned = connection.acknowledge_at && now >= *connection.acknowledge_at &&
                         acknowledge_or_give_up(connection, now, reasons, outputs);
    if (repeat) retransmit(connection, now, outputs);
    return planned;
}

std::optional<Time> next_timer(const Connection& connection) {
    const auto& retransmission = connection.retransmission;
    return earliest(
        {connection.acknowledge_at, retransmission ? std::optional(retransmission->at) : std::nullopt});
}

void refuse(Connection& connection, Time now, std::vector<Output>& outputs) {
    reset(connection, outputs);
    emit_queued(connection, Output::Kind::drop, outputs);
    connection.stop_timers();
    connection.enter(Phase::refused, now);
}

}  // namespace sipalg::tcp
