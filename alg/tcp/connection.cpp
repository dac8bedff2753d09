#include "alg/tcp/connection.hpp"

#include <algorithm>

namespace sipalg::tcp {

namespace {

// Segments may still be in flight after both FINs, but hardly after a RST.
constexpr Time closed_time{120'000};
constexpr Time reset_time{5'000};
constexpr Time refused_time{60'000};
// Conntrack's default timeout of an idle connection (nf_conntrack_tcp_timeout_established).
constexpr Time idle_time = std::chrono::hours(5 * 24);
// The smallest MSS that Linux accepts. With a smaller one most bytes of a segment would be headers (X7).
constexpr std::uint16_t smallest_mss = 88;

void read_options(Direction& direction, const Segment& syn) {
    if (syn.mss) direction.mss = std::max(*syn.mss, smallest_mss);
    direction.window_scale = syn.window_scale.value_or(0);
    direction.sack = syn.sack_permitted;
    direction.window = syn.window;
    direction.timestamps = syn.timestamps.has_value();
    if (syn.timestamps) direction.timestamp = syn.timestamps->first;
}

}  // namespace

bool is_transition(Phase from, Phase to) {
    if (from == Phase::refused || from == Phase::unread) return false;
    switch (to) {
        case Phase::opening: return false;
        case Phase::established: return from == Phase::opening;
        case Phase::open: return from != Phase::closed && from != Phase::bytes_lost;
        case Phase::bytes_lost: return from == Phase::open;
        default: return true;
    }
}

Connection::Connection(const Opening& opening, Time now)
    : key(opening.key),
      egress(opening.egress),
      opener(opening.from),
      editing(opening.editing),
      last_seen(now),
      phase_since_(now) {
    direction(opening.from).begin(opening.syn.sequence, editing);
    read_options(direction(opening.from), opening.syn);
    if (opening.maps_phone) mapping_refreshed = now;
    if (opening.answer) answer(opposite(opening.from), *opening.answer);
}

Connection::Connection(ConnectionKey ends, Egress way, Side opened_by, Time now)
    : key(ends),
      egress(way),
      opener(opened_by),
      editing(true),
      last_seen(now),
      phase_(Phase::open),
      phase_since_(now) {}

void Connection::enter(Phase next, Time now) {
    if (!is_transition(phase_, next)) return;
    phase_ = next;
    phase_since_ = now;
}

Time Connection::forget_at() const {
    switch (phase_) {
        case Phase::opening:
        case Phase::established: return phase_since_ + opening_time;
        case Phase::closed: return phase_since_ + closed_time;
        case Phase::reset: return phase_since_ + reset_time;
        case Phase::refused: return phase_since_ + refused_time;
        case Phase::unread: return phase_since_;
        case Phase::open:
        case Phase::bytes_lost: break;
    }
    return last_seen + idle_time;
}

void Connection::answer(Side from, const Segment& segment) {
    Direction& own = direction(from);
    Direction& first = direction(opposite(from));
    if (segment.acknowledgement != sequence(0, first.initial()) || first.received() > 0 ||
        own.received() > 0 || own.queued_count() > 0)
        return;
    own.begin(segment.sequence, editing);
    read_options(own, segment);
    // The windows of SYNs are not scaled (RFC 7323 2.2).
    first.note_acknowledgement(0, segment.window);
    own.note_acknowledgement(0, first.window);
    if (!segment.window_scale) first.window_scale = 0;
    own.sack = first.sack = own.sack && first.sack;
    own.timestamps = first.timestamps = own.timestamps && first.timestamps;
    // All later segments have scaled windows.
    own.window = static_cast<std::uint16_t>(own.window >> own.window_scale);
    first.window = static_cast<std::uint16_t>(first.window >> first.window_scale);
}

Position Connection::acknowledged_by(Side from, const Segment& segment) const {
    const Direction& other = direction(opposite(from));
    return position(segment.acknowledgement, other.initial(), other.map().out(other.sent()));
}

void Connection::note_header(Side from, const Segment& segment, Time now) {
    Direction& own = direction(from);
    Direction& other = direction(opposite(from));
    last_seen = now;
    own.window = segment.window;
    if (segment.timestamps) own.note_timestamp(segment.timestamps->first);
    const Position out = acknowledged_by(from, segment);
    const bool more =
        other.note_acknowledgement(out, static_cast<std::uint32_t>(segment.window) << own.window_scale);
    if (!other.has_undelivered()) return;
    if (more) {
        // Often several segments are lost: after the acknowledgement of one the next is retransmitted at
        // once.
        const bool repeated = retransmission && retransmission->repeated;
        retransmission = {now + (repeated ? Time{0} : first_retransmission), first_retransmission, repeated};
    }
    if (out >= other.map().out(other.sent()) && retransmission)
        retransmission->interval = std::min(retransmission->interval, last_retransmission);
}

void Connection::start_retransmission(Time now) {
    if (!retransmission) retransmission = {now + first_retransmission, first_retransmission, false};
}

}  // namespace sipalg::tcp
