#include "alg/tcp/emit.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace sipalg::tcp {

namespace {

// Converts an acknowledgement number of the receiver to the sender's sequence numbers.
std::uint32_t acknowledgement(const Direction& acknowledged, std::uint32_t number) {
    const SequenceMap& map = acknowledged.map();
    const Position out = position(number, acknowledged.initial(), map.out(acknowledged.sent()));
    return sequence(std::max(map.arrived(out), acknowledged.local_ack()), acknowledged.initial());
}

// Converts a SACK block. A block that becomes empty begins and ends at the acknowledgement, where senders
// ignore it.
SackBlock block(const Direction& acknowledged, const SackBlock& original, std::uint32_t acknowledgement) {
    const SequenceMap& map = acknowledged.map();
    const Position near = map.out(acknowledged.sent());
    const Position begin = map.begins(position(original.first, acknowledged.initial(), near));
    const Position end = map.arrived(position(original.second, acknowledged.initial(), near));
    if (begin >= end || begin < acknowledged.local_ack()) return {acknowledgement, acknowledgement};
    return {sequence(begin, acknowledged.initial()), sequence(end, acknowledged.initial())};
}

Rewrite rewrite_numbers(const Connection& connection, Side from, const Segment& segment, Position begin) {
    const Direction& own = connection.direction(from);
    const Direction& other = connection.direction(opposite(from));
    Rewrite rewrite;
    rewrite.sequence = sequence(own.map().out(begin), own.initial());
    rewrite.acknowledgement = segment.acknowledgement;
    rewrite.flags = segment.flags;
    // A queued segment is sent after later ones. With its old timestamp the receiver would drop it as an old
    // duplicate (RFC 7323 5.3).
    if (segment.timestamps) rewrite.timestamp = own.timestamp;
    if (!segment.has(Segment::ack) || !other.known()) return rewrite;
    rewrite.acknowledgement = acknowledgement(other, segment.acknowledgement);
    for (std::size_t i = 0; i < segment.sack_count; ++i)
        rewrite.sacks[i] = block(other, segment.sacks[i], rewrite.acknowledgement);
    return rewrite;
}

bool is_unchanged(const Segment& segment, const Rewrite& rewrite, std::string_view payload) {
    return rewrite.sequence == segment.sequence && rewrite.acknowledgement == segment.acknowledgement &&
           rewrite.flags == segment.flags && payload == segment.payload &&
           (!rewrite.timestamp || *rewrite.timestamp == segment.timestamps->first) &&
           std::equal(segment.sacks.begin(), segment.sacks.begin() + segment.sack_count,
                      rewrite.sacks.begin());
}

// The largest payload that the receiver accepts in a segment with these options.
std::size_t max_payload(const Direction& receiver, std::size_t options) {
    return receiver.mss > options ? receiver.mss - options : 1;
}

std::optional<std::pair<std::uint32_t, std::uint32_t>> timestamps(const Direction& own,
                                                                  const Direction& other) {
    if (!own.timestamps || !own.timestamp || !other.timestamp) return std::nullopt;
    return std::pair{*own.timestamp, *other.timestamp};
}

// A segment in the name of `from`, with the next sequence number that the other end expects.
SegmentFields own_segment(const Connection& connection, Side from) {
    const Direction& own = connection.direction(from);
    const Direction& other = connection.direction(opposite(from));
    SegmentFields segment;
    segment.source = connection.key.end(from);
    segment.destination = connection.key.end(opposite(from));
    const bool finished = own.fin && own.sent() >= *own.fin;
    segment.sequence = sequence(own.map().out(own.sent()) + (finished ? 1 : 0), own.initial());
    segment.acknowledgement = sequence(std::max(other.acknowledged_in(), other.local_ack()), other.initial());
    segment.window = own.window;
    segment.timestamps = timestamps(own, other);
    return segment;
}

void inject(const Connection& connection, Side from, std::vector<std::uint8_t> bytes,
            std::vector<Output>& outputs) {
    outputs.push_back({Output::Kind::inject, 0, std::move(bytes), from, connection.egress.address});
}

}  // namespace

void emit(const Connection& connection, Side from, const Carrier& carrier, const Chunk& chunk,
          std::vector<Output>& outputs) {
    constexpr auto last_only = static_cast<std::uint8_t>(~(Segment::fin | Segment::psh));
    const Segment& segment = carrier.segment;
    Rewrite rewrite = rewrite_numbers(connection, from, segment, chunk.begin);
    if (!chunk.whole) rewrite.flags &= last_only;
    if (is_unchanged(segment, rewrite, chunk.text)) {
        outputs.push_back({Output::Kind::pass, carrier.token, {}, from, {}});
        return;
    }
    const std::size_t options = segment.header_size - segment.tcp_header - 20;
    const std::size_t most = std::max(max_payload(connection.direction(opposite(from)), options),
                                      std::min(segment.payload.size(), chunk.text.size()));
    const std::uint8_t flags = rewrite.flags;
    std::string_view rest = chunk.text;
    std::vector<std::uint8_t> packet;
    for (; rest.size() > most; rest.remove_prefix(most)) {
        rewrite.flags = flags & last_only;
        rewrite.payload = rest.substr(0, most);
        if (write_segment(carrier.bytes, segment, rewrite, packet)) inject(connection, from, packet, outputs);
        rewrite.sequence += static_cast<std::uint32_t>(most);
    }
    rewrite.flags = flags;
    rewrite.payload = rest;
    const bool written = write_segment(carrier.bytes, segment, rewrite, packet);
    outputs.push_back(
        {written ? Output::Kind::replace : Output::Kind::drop, carrier.token, std::move(packet), from, {}});
}

void emit(const Connection& connection, Side from, const Chunk& chunk, std::vector<Output>& outputs) {
    SegmentFields segment = own_segment(connection, from);
    const Direction& own = connection.direction(from);
    segment.sequence = sequence(own.map().out(chunk.begin), own.initial());
    const std::size_t most = max_payload(connection.direction(opposite(from)), segment.timestamps ? 12 : 0);
    for (std::string_view rest = chunk.text; !rest.empty();) {
        segment.payload = rest.substr(0, most);
        rest.remove_prefix(segment.payload.size());
        segment.flags = rest.empty() ? Segment::ack | Segment::psh : Segment::ack;
        inject(connection, from, make_segment(segment), outputs);
        segment.sequence += static_cast<std::uint32_t>(segment.payload.size());
    }
}

void emit_syn(const Connection& connection, const Carrier& carrier, std::vector<Output>& outputs) {
    const Segment& segment = carrier.segment;
    Rewrite rewrite;
    rewrite.sequence = segment.sequence;
    rewrite.acknowledgement = segment.acknowledgement;
    rewrite.flags = segment.flags;
    // The data of a SYN is removed. Its sender retransmits it, because it is not acknowledged (RFC 7413 3).
    rewrite.plain_tcp = connection.editing;
    if (connection.editing && segment.mss && *segment.mss > 2 * Connection::headroom)
        rewrite.mss = static_cast<std::uint16_t>(*segment.mss - Connection::headroom);
    std::vector<std::uint8_t> packet;
    if (!write_segment(carrier.bytes, segment, rewrite, packet) ||
        std::equal(packet.begin(), packet.end(), carrier.bytes.begin(), carrier.bytes.end()))
        outputs.push_back({Output::Kind::pass, carrier.token, {}, {}, {}});
    else
        outputs.push_back({Output::Kind::replace, carrier.token, std::move(packet), {}, {}});
}

void emit_queued(Connection& connection, Output::Kind kind, std::vector<Output>& outputs) {
    for (Direction* direction : {&connection.from_phone, &connection.from_peer})
        for (const SegmentQueue::Entry& entry : direction->pop_all())
            if (!entry.forwarded) outputs.push_back({kind, entry.carrier.token, {}, {}, {}});
}

void send_ready(Connection& connection, Side from, const Carrier* current, bool may_queue,
                std::vector<Output>& outputs) {
    Direction& direction = connection.direction(from);
    const auto send_queued = [&](Position before) {
        while (const auto ready = direction.pop_ready(before))
            if (const auto chunk = direction.send(ready->carrier))
                emit(connection, from, ready->carrier, *chunk, outputs);
    };
    if (current) {
        send_queued(current->begin);
        if (const auto chunk = direction.send(*current)) {
            emit(connection, from, *current, *chunk, outputs);
        } else if (may_queue && direction.has_use_for(*current)) {
            direction.enqueue(*current, false);
        } else {
            outputs.push_back({Output::Kind::drop, current->token, {}, from, {}});
        }
    }
    send_queued(std::numeric_limits<Position>::max());
    if (const auto chunk = direction.send_rest()) emit(connection, from, *chunk, outputs);
    direction.discard_sent();
}

void acknowledge(Connection& connection, Side sender, std::vector<Output>& outputs) {
    if (!connection.can_make_segments()) return;
    Direction& direction = connection.direction(sender);
    const Direction& receiver = connection.direction(opposite(sender));
    SegmentFields segment = own_segment(connection, opposite(sender));
    const auto run = direction.sack ? direction.sack_run() : std::nullopt;
    if (run)
        segment.sack =
            SackBlock{sequence(run->first, direction.initial()), sequence(run->second, direction.initial())};
    // The receiver's window may be smaller than a message; the buffer has room for the rest.
    if (direction.has_undelivered())
        segment.window = std::max(segment.window, static_cast<std::uint16_t>(std::min<std::size_t>(
                                                      sip::max_message >> receiver.window_scale, 65535)));
    direction.note_own_window(static_cast<std::uint32_t>(segment.window) << receiver.window_scale);
    inject(connection, opposite(sender), make_segment(segment), outputs);
}

void probe_window(const Connection& connection, Side sender, std::vector<Output>& outputs) {
    if (!connection.can_make_segments()) return;
    SegmentFields segment = own_segment(connection, sender);
    --segment.sequence;  // the receiver has that byte, so it answers at once
    inject(connection, sender, make_segment(segment), outputs);
}

void reset(const Connection& connection, Side sender, const Segment& received, std::vector<Output>& outputs) {
    SegmentFields segment = own_segment(connection, opposite(sender));
    segment.sequence = received.acknowledgement;  // the number that the sender expects (RFC 5961 3.2)
    segment.flags = Segment::rst | Segment::ack;
    segment.window = 0;
    inject(connection, opposite(sender), make_segment(segment), outputs);
}

void reset(const Connection& connection, std::vector<Output>& outputs) {
    for (const Side from : {Side::inside, Side::outside}) {
        const Direction& own = connection.direction(from);
        if (!own.known()) continue;
        SegmentFields segment = own_segment(connection, from);
        segment.flags = Segment::rst | Segment::ack;
        segment.window = 0;
        // The other end only accepts the number that it expects (RFC 5961 3.2): after all bytes that were
        // sent, or after those that have arrived.
        inject(connection, from, make_segment(segment), outputs);
        const std::uint32_t arrived = sequence(own.acknowledged_out(), own.initial());
        if (std::exchange(segment.sequence, arrived) != arrived)
            inject(connection, from, make_segment(segment), outputs);
    }
}

}  // namespace sipalg::tcp
