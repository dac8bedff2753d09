#include "alg/tcp/connection.hpp"

#include <algorithm>
#include <limits>

namespace sipalg::tcp {

namespace {

// What the receiver's numbers in a segment of his are in the sender's: the sender of `acknowledged` reads it.
std::uint32_t acknowledgement(const Direction& acknowledged, std::uint32_t number) {
    const SequenceMap& shift = acknowledged.shift();
    const Position out = position(number, acknowledged.initial(), shift.out(acknowledged.sent()));
    return sequence(std::max(shift.arrived(out), acknowledged.told()), acknowledged.initial());
}

// A block in which nothing is left begins and ends where the acknowledgement is: no sender takes it.
SackBlock block(const Direction& acknowledged, const SackBlock& seen, std::uint32_t acknowledgement) {
    const SequenceMap& shift = acknowledged.shift();
    const Position near = shift.out(acknowledged.sent());
    const Position begin = shift.begins(position(seen.first, acknowledged.initial(), near));
    const Position end = shift.arrived(position(seen.second, acknowledged.initial(), near));
    if (begin >= end || begin < acknowledged.told()) return {acknowledgement, acknowledgement};
    return {sequence(begin, acknowledged.initial()), sequence(end, acknowledged.initial())};
}

Rewrite numbers(const Connection& flow, Side from, const Segment& segment, Position begin) {
    const Direction& own = flow.half(from);
    const Direction& other = flow.half(opposite(from));
    Rewrite rewrite;
    rewrite.sequence = sequence(own.shift().out(begin), own.initial());
    rewrite.acknowledgement = segment.acknowledgement;
    rewrite.flags = segment.flags;
    // What waited comes behind what passed it, whose timestamp is newer: it would be taken for a segment of
    // long ago and dropped (RFC 7323 5.3).
    if (segment.timestamps) rewrite.timestamp = own.timestamp;
    if (!segment.has(Segment::ack) || !other.known()) return rewrite;
    rewrite.acknowledgement = acknowledgement(other, segment.acknowledgement);
    for (std::size_t i = 0; i < segment.sack_count; ++i)
        rewrite.sacks[i] = block(other, segment.sacks[i], rewrite.acknowledgement);
    return rewrite;
}

// The most that the receiver takes in a segment with these options.
std::size_t room(const Direction& receiver, std::size_t options) {
    return receiver.mss > options ? receiver.mss - options : 1;
}

// What the other end is told of this half by a segment of ours.
std::optional<std::pair<std::uint32_t, std::uint32_t>> stamps(const Direction& own, const Direction& other) {
    if (!own.timestamps || !own.timestamp || !other.timestamp) return std::nullopt;
    return std::pair{*own.timestamp, *other.timestamp};
}

// A segment of ours that seems to come from `from`: with the next number that the other end expects.
Made made(const Connection& flow, Side from) {
    const Direction& own = flow.half(from);
    const Direction& other = flow.half(opposite(from));
    Made segment;
    segment.source = flow.end(from);
    segment.destination = flow.end(opposite(from));
    const bool finished = own.fin && own.sent() >= *own.fin;
    segment.sequence = sequence(own.shift().out(own.sent()) + (finished ? 1 : 0), own.initial());
    segment.acknowledgement = sequence(std::max(other.acknowledged_in(), other.told()), other.initial());
    segment.window = own.window;
    segment.timestamps = stamps(own, other);
    return segment;
}

void inject(const Connection& flow, Side from, std::vector<std::uint8_t> bytes,
            std::vector<Output>& outputs) {
    outputs.push_back({Output::Kind::inject, 0, std::move(bytes), from, flow.egress.address});
}

}  // namespace

bool may_make(const Connection& flow) {
    // A restarted daemon does not know them until both ends have sent something.
    return !flow.from_phone.timestamps || (flow.from_phone.timestamp && flow.from_peer.timestamp);
}

bool Connection::is_shifted() const {
    return from_phone.shift().length() != 0 || from_peer.shift().length() != 0;
}

void ship(Connection& flow, Side from, const Carrier& carrier, const Load& load,
          std::vector<Output>& outputs) {
    const Segment& segment = carrier.segment;
    Rewrite rewrite = numbers(flow, from, segment, load.begin);
    if (!load.whole) rewrite.flags &= static_cast<std::uint8_t>(~(Segment::fin | Segment::psh));
    const auto same_sacks =
        std::equal(segment.sacks.begin(), segment.sacks.begin() + segment.sack_count, rewrite.sacks.begin());
    const bool same_time = !rewrite.timestamp || *rewrite.timestamp == segment.timestamps->first;
    if (rewrite.sequence == segment.sequence && rewrite.acknowledgement == segment.acknowledgement &&
        rewrite.flags == segment.flags && same_sacks && same_time && load.text == segment.payload) {
        outputs.push_back({Output::Kind::pass, carrier.token, {}, from, {}});
        return;
    }
    const std::size_t options = segment.header_size - segment.tcp_header - 20;
    const std::size_t most = std::max(room(flow.half(opposite(from)), options),
                                      std::min(segment.payload.size(), load.text.size()));
    const std::uint8_t flags = rewrite.flags;
    std::string_view rest = load.text;
    std::vector<std::uint8_t> packet;
    for (; rest.size() > most; rest.remove_prefix(most)) {
        rewrite.flags = flags & static_cast<std::uint8_t>(~(Segment::fin | Segment::psh));
        rewrite.payload = rest.substr(0, most);
        if (write_segment(carrier.bytes, segment, rewrite, packet)) inject(flow, from, packet, outputs);
        rewrite.sequence += static_cast<std::uint32_t>(most);
    }
    rewrite.flags = flags;
    rewrite.payload = rest;
    const bool written = write_segment(carrier.bytes, segment, rewrite, packet);
    outputs.push_back(
        {written ? Output::Kind::replace : Output::Kind::drop, carrier.token, std::move(packet), from, {}});
}

void ship(Connection& flow, Side from, const Load& load, std::vector<Output>& outputs) {
    Made segment = made(flow, from);
    const Direction& own = flow.half(from);
    segment.sequence = sequence(own.shift().out(load.begin), own.initial());
    const std::size_t most = room(flow.half(opposite(from)), segment.timestamps ? 12 : 0);
    for (std::string_view rest = load.text; !rest.empty();) {
        segment.payload = rest.substr(0, most);
        rest.remove_prefix(segment.payload.size());
        segment.flags = rest.empty() ? Segment::ack | Segment::psh : Segment::ack;
        inject(flow, from, make_segment(segment), outputs);
        segment.sequence += static_cast<std::uint32_t>(segment.payload.size());
    }
}

void ship_syn(const Connection& flow, const Carrier& carrier, std::vector<Output>& outputs) {
    const Segment& segment = carrier.segment;
    Rewrite rewrite;
    rewrite.sequence = segment.sequence;
    rewrite.acknowledgement = segment.acknowledgement;
    rewrite.flags = segment.flags;
    // Data in a SYN is sent again by who sees that it was not acknowledged (RFC 7413 3).
    rewrite.plain_tcp = flow.editing;
    if (flow.editing && segment.mss && *segment.mss > 2 * Connection::headroom)
        rewrite.mss = static_cast<std::uint16_t>(*segment.mss - Connection::headroom);
    std::vector<std::uint8_t> packet;
    if (!write_segment(carrier.bytes, segment, rewrite, packet) ||
        std::equal(packet.begin(), packet.end(), carrier.bytes.begin(), carrier.bytes.end()))
        outputs.push_back({Output::Kind::pass, carrier.token, {}, {}, {}});
    else
        outputs.push_back({Output::Kind::replace, carrier.token, std::move(packet), {}, {}});
}

void let_go(Connection& flow, Side from, const Carrier* current, bool may_hold,
            std::vector<Output>& outputs) {
    Direction& half = flow.half(from);
    const auto held_before = [&](Position before) {
        while (const auto ready = half.take_ready(before))
            if (const auto load = half.load(ready->carrier)) ship(flow, from, ready->carrier, *load, outputs);
    };
    if (current) {
        held_before(current->begin);
        if (const auto load = half.load(*current)) {
            ship(flow, from, *current, *load, outputs);
        } else if (may_hold && half.wants(*current)) {
            half.hold(*current, false);
        } else {
            outputs.push_back({Output::Kind::drop, current->token, {}, from, {}});
        }
    }
    held_before(std::numeric_limits<Position>::max());
    if (const auto load = half.rest()) ship(flow, from, *load, outputs);
    half.trim();
}

void acknowledge(const Connection& flow, Side sender, std::vector<Output>& outputs) {
    if (!may_make(flow)) return;
    const Direction& half = flow.half(sender);
    const Direction& receiver = flow.half(opposite(sender));
    Made segment = made(flow, opposite(sender));
    const auto run = half.sack ? half.selective() : std::nullopt;
    if (run)
        segment.sack = SackBlock{sequence(run->first, half.initial()), sequence(run->second, half.initial())};
    // The receiver's window may be smaller than a message. What does not fit it waits here.
    if (half.owes())
        segment.window = std::max(segment.window, static_cast<std::uint16_t>(std::min<std::size_t>(
                                                      sip::max_message >> receiver.window_scale, 65535)));
    inject(flow, opposite(sender), make_segment(segment), outputs);
}

void probe(const Connection& flow, Side sender, std::vector<Output>& outputs) {
    if (!may_make(flow)) return;
    Made segment = made(flow, sender);
    --segment.sequence;  // what he has already is answered at once
    inject(flow, sender, make_segment(segment), outputs);
}

void reset(const Connection& flow, Side sender, const Segment& heard, std::vector<Output>& outputs) {
    Made segment = made(flow, opposite(sender));
    segment.sequence = heard.acknowledgement;  // it expects just that
    segment.flags = Segment::rst | Segment::ack;
    segment.window = 0;
    inject(flow, opposite(sender), make_segment(segment), outputs);
}

void reset(const Connection& flow, std::vector<Output>& outputs) {
    for (const Side from : {Side::inside, Side::outside}) {
        const Direction& own = flow.half(from);
        if (!own.known()) continue;
        Made segment = made(flow, from);
        segment.flags = Segment::rst | Segment::ack;
        segment.window = 0;
        // Only the very number that the other end expects counts (RFC 5961 3.2): behind what was sent, or
        // behind what has arrived of it.
        inject(flow, from, make_segment(segment), outputs);
        const std::uint32_t arrived = sequence(own.acknowledged_out(), own.initial());
        if (std::exchange(segment.sequence, arrived) != arrived)
            inject(flow, from, make_segment(segment), outputs);
    }
}

}  // namespace sipalg::tcp
