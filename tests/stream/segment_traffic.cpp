#include "tests/stream/segment_traffic.hpp"

#include <algorithm>
#include <stdexcept>

#include "alg/core/report.hpp"
#include "alg/core/state.hpp"
#include "tests/cases/invariants.hpp"
#include "tests/stream/emitted.hpp"

namespace sipalg::test {

using tcp::Segment;

namespace {

const Address router = Address::v4(0xCB007101);  // 203.0.113.1

// For one decision: a message of 80 KiB in the smallest segments.
constexpr std::size_t most_outputs = 2500;
constexpr std::uint16_t segment_most = 1460;
// For one direction: more could not be restored from the record in the kernel.
constexpr std::size_t most_edits = 4096;

// Small, so that ceilings are reached.
Policy policy(std::uint8_t kind) {
    Policy settings;
    settings.edits = (kind & 2) == 0;
    if ((kind & 1) == 0) return settings;
    settings.max_streams = 3;
    settings.max_streams_per_phone = 1;
    settings.max_held_segments = 6;
    settings.max_stream_memory = 2000;
    return settings;
}

// Adds TCP options to a packet without options.
std::vector<std::uint8_t> with_options(std::vector<std::uint8_t> packet, std::vector<std::uint8_t> options) {
    while (options.size() % 4 != 0)
        options.push_back(0);
    const bool v4 = packet[0] >> 4 == 4;
    const std::size_t ip_header = v4 ? 20 : 40;
    const std::size_t header = static_cast<std::size_t>(packet[ip_header + 12] >> 4) * 4;
    if (header + options.size() > 60) return packet;
    packet.insert(packet.begin() + static_cast<std::ptrdiff_t>(ip_header + header), options.begin(),
                  options.end());
    packet[ip_header + 12] = static_cast<std::uint8_t>((header + options.size()) / 4 << 4);
    tcp::finish_packet(packet, ip_header);
    return packet;
}

}  // namespace

SegmentTraffic::SegmentTraffic(std::span<const std::uint8_t> bytes)
    : policy_(policy(bytes.empty() ? 0 : bytes[0])), state_(stored_.emplace(policy_)), rest_(bytes) {
    const std::uint8_t kind = next();
    initial_ = kind & 4 ? 0xffffff00 : 5000;
    // The phone's address becomes longer on one line and shorter on the other.
    lines_[0].phone.own = *Endpoint::parse("10.0.0.2:40000");
    lines_[1].phone.own = *Endpoint::parse(kind & 8 ? "10.0.0.2:40001" : "192.168.111.111:40001");
    for (std::size_t i = 0; i < lines_.size(); ++i) {
        Line& line = lines_[i];
        line.peer.own = *Endpoint::parse("203.0.113.10:5060");
        line.egress = {router, router};
        const std::string port = i == 0 ? ":5060" : ":5070";
        line.inside = line.phone.own.address.text() + port;
        line.outside = router.text() + port;
    }
    if ((kind & 16) == 0) return;
    // Nothing is translated.
    Line& routed = lines_[1];
    routed.phone.own = *Endpoint::parse("[2001:db8::10]:40001");
    routed.peer.own = *Endpoint::parse("[2001:db8:1::10]:5060");
    routed.egress = {routed.phone.own.address, routed.phone.own.address};
    routed.inside = routed.outside = "[2001:db8::10]:5070";
}

std::uint8_t SegmentTraffic::next() {
    if (rest_.empty()) return 0;
    const std::uint8_t byte = rest_.front();
    rest_ = rest_.subspan(1);
    return byte;
}

// Usually near zero, sometimes far.
std::int32_t SegmentTraffic::next_offset() {
    const auto near = static_cast<std::int8_t>(next());
    if (near > -100 && near < 100) return near;
    return near * (near % 2 == 0 ? 1000 : 0x1000000);
}

std::string SegmentTraffic::next_bytes(std::size_t size) {
    const std::size_t length = std::min(rest_.size(), size);
    std::string bytes(rest_.begin(), rest_.begin() + static_cast<std::ptrdiff_t>(length));
    rest_ = rest_.subspan(length);
    return bytes;
}

std::size_t SegmentTraffic::next_size() {
    const std::size_t size = next();
    return size < 128 ? size : (size - 127) * 12;
}

void SegmentTraffic::play() {
    while (!rest_.empty()) {
        step();
        check();
    }
}

tcp::SegmentFields SegmentTraffic::made(std::size_t number, Side from) {
    Line& line = lines_[number];
    Party& party = line.of(from);
    Party& other = line.of(opposite(from));
    tcp::SegmentFields made;
    made.source = party.own;
    made.destination = other.own;
    made.sequence = party.number(party.sent) + (party.finished ? 1U : 0U);
    made.acknowledgement = party.acknowledgement(other.initial);
    made.window = party.window;
    if (party.clock != 0 && other.clock != 0) made.timestamps = {++party.clock, party.peer_clock};
    return made;
}

void SegmentTraffic::arrive(const Odd& odd) {
    Party& party = lines_[line_].of(side_);
    party.longest = std::max(party.longest, odd.made.payload.size());
    const Packet packet = with_options(tcp::make_segment(odd.made), odd.options);
    const std::uint64_t token = ++token_;
    waiting_[token] = {line_, side_, packet};
    Arrival arrival;
    arrival.from = side_;
    arrival.read(packet);
    arrival.egress = lines_[line_].egress;
    arrival.token = token;
    arrival.established = side_ == Side::outside;
    arrival.checksum_unverified = true;
    // P4: some segments are decided as in a group, of which the kernel refuses some.
    if (token % 4 != 0 && can_group(state_, arrival)) {
        inspect_in_group(state_, arrival, now_, decision_);
        const bool refused = token % 4 == 1 || !decision_.asked.empty() || kernel_.refuses();
        if (!refused) {
            put_in_force();
            return decision_.stream ? carry_all() : carry({Output::Kind::pass, token, {}, side_, {}});
        }
        state_.cancel();
        arrival.again = true;
    }
    inspect(state_, arrival, now_, decision_);
    if (!decision_.asked.empty()) {
        state_.cancel();
        arrival.answered = true;
        inspect(state_, arrival, now_, decision_);
        if (!decision_.asked.empty()) throw std::runtime_error("a message asks twice");
    }
    const bool in_force = put_in_force();
    if (!decision_.stream) {
        if (!decision_.outputs.empty())
            throw std::runtime_error("verdicts for a connection that is not read");
        return carry({Output::Kind::pass, token, {}, side_, {}});
    }
    conclude(state_, in_force, now_, decision_);
    carry_all();
}

bool SegmentTraffic::put_in_force() {
    return kernel_.put_in_force(state_, decision_.changes, now_);
}

void SegmentTraffic::carry_all() {
    if (decision_.outputs.size() > most_outputs)
        throw std::runtime_error(std::to_string(decision_.outputs.size()) + " packets at once");
    for (const Output& output : decision_.outputs)
        carry(output);
}

void SegmentTraffic::carry(const Output& output) {
    if (output.kind == Output::Kind::inject) {
        if (output.token != 0) throw std::runtime_error("an injected packet with a token");
        const auto packet = parse_packet(output.bytes);
        for (std::size_t i = 0; packet && i < lines_.size(); ++i) {
            const Endpoint phone = output.from == Side::inside ? packet->source : packet->destination;
            if (phone != lines_[i].phone.own) continue;
            if (output.egress != lines_[i].egress.address)
                throw std::runtime_error("injected at another egress");
            return deliver(i, output.from, output.bytes, true);
        }
        throw std::runtime_error("an injected packet of no connection");
    }
    const auto found = waiting_.find(output.token);
    if (found == waiting_.end()) throw std::runtime_error("a verdict on a packet that has one");
    const Waiting waiting = std::move(found->second);
    waiting_.erase(found);
    if (output.kind == Output::Kind::drop) return;
    const bool written = output.kind == Output::Kind::replace;
    deliver(waiting.line, waiting.from, written ? output.bytes : waiting.packet, written);
}

void SegmentTraffic::deliver(std::size_t number, Side from, const Packet& bytes, bool written) {
    Line& line = lines_[number];
    Party& sender = line.of(from);
    Party& receiver = line.of(opposite(from));
    if (!written && !line.honest) return;
    const Segment segment = written ? check_emitted(bytes, sender.own, receiver.own)
                                    : tcp::parse_segment(bytes, parse_packet(bytes).value()).value();
    // If a SYN was answered twice, only one answer counts. If the answer was not seen, its MSS is unknown
    // (RFC 9293 3.7.1).
    // What an earlier connection still held leaves when the next one is confirmed, in its own size.
    const bool current = segment.sequence - sender.initial < 0x10000;  // see syn()
    const std::size_t known =
        line.honest && current ? std::max<std::size_t>(receiver.mss, 536) : segment_most;
    const std::size_t most = std::max(sender.longest, known);
    if (written && segment.payload.size() > most)
        throw std::runtime_error("a segment of " + std::to_string(segment.payload.size()) + " bytes");
    // An end that was reset sends no more on this connection; further segments are not checked.
    if (segment.has(Segment::rst)) line.honest = false;
    if (!line.honest || segment.has(Segment::syn)) return;
    const auto sent = static_cast<tcp::Position>(receiver.sent);
    const tcp::Position acknowledged = tcp::position(segment.acknowledgement, receiver.initial, sent);
    if (segment.has(Segment::ack) && receiver.open && acknowledged > sent + (receiver.finished ? 1 : 0))
        throw std::runtime_error("what was never sent is acknowledged");
    if (!lossy_) receiver.hear(segment, sender.initial);
}

void SegmentTraffic::wait(Time time) {
    // Two minutes after its end a connection is forgotten, so an honest end sends no more.
    for (Line& line : lines_) {
        if (time < Time{1000} || !line.phone.finished || !line.peer.finished) continue;
        check_heard(line);
        line.honest = false;
    }
    const Time until = now_ + time;
    for (int steps = 0;; ++steps) {
        if (steps > 100'000) throw std::runtime_error("deadlines do not come to an end");
        const auto due = state_.next_deadline();
        if (!due || *due > until) break;
        now_ = std::max(now_, *due);
        kernel_.expire(now_);
        expire(state_, now_, decision_);
        conclude(state_, put_in_force(), now_, decision_);
        carry_all();
    }
    now_ = until;
    kernel_.expire(now_);
}

// The daemon is killed and started again: the kernel drops queued packets.
void SegmentTraffic::restart() {
    waiting_.clear();
    stored_.emplace(policy_);
    const auto changes = state_.restore(
        kernel_.read(now_), [](const Address& address) { return address; }, now_);
    kernel_.apply(changes, now_);
    wait(Time{0});
}

void SegmentTraffic::check() {
    check_invariants(state_, kernel_, now_);
    std::size_t held = 0, memory = 0;
    std::map<Address, std::size_t> of_phone;
    const auto& flows = state_.connections.all();
    for (const auto& [key, flow] : flows) {
        if (flow.editing) held += flow.queued_count();
        memory += flow.memory();
        if (++of_phone[key.phone.address] > policy_.max_streams_per_phone)
            throw std::runtime_error("too many connections of a phone");
        for (const tcp::Direction* direction : {&flow.from_phone, &flow.from_peer})
            if (direction->map().edits().size() > most_edits)
                throw std::runtime_error("too many edits are kept");
    }
    if (flows.size() > policy_.max_streams) throw std::runtime_error("too many connections");
    if (held != waiting_.size())
        throw std::runtime_error(std::to_string(waiting_.size()) + " packets without a verdict, known are " +
                                 std::to_string(held));
    if (held > policy_.max_held_segments) throw std::runtime_error("too many packets wait");
    std::size_t longest = 60;
    for (const Line& line : lines_)
        longest = std::max({longest, line.phone.longest + 60, line.peer.longest + 60});
    // A segment above the limit is stored before queued segments are released.
    const std::size_t most =
        2 * policy_.max_stream_memory + (policy_.max_held_segments + 2 * flows.size()) * longest;
    if (memory > most) throw std::runtime_error(std::to_string(memory) + " bytes are kept");
}

void SegmentTraffic::check_heard(Line& line) {
    if (!line.honest) return;
    for (const Side side : {Side::inside, Side::outside}) {
        const Party& sender = line.of(side);
        if (sender.legible && !is_what_was_said(line.of(opposite(side)).heard, sender.said))
            throw std::runtime_error("something else is heard than was said");
    }
}

void SegmentTraffic::end() {
    for (Line& line : lines_)
        check_heard(line);
    kernel_.relent();
    state_.scan.begin(now_);  // conntrack has no entries either
    state_.scan.end();
    wait(Time{Seconds{7 * 24 * 3600}});
    check();
    const Totals left = totals(state_);
    if (!state_.connections.all().empty()) throw std::runtime_error("a connection is not forgotten");
    if (left.calls || left.bindings || left.mappings || left.pinholes)
        throw std::runtime_error("something is left");
    if (!kernel_.elements().empty()) throw std::runtime_error("something is left in the kernel");
    if (!state_.scan.idle() || state_.next_deadline()) throw std::runtime_error("something is waited for");
}

}  // namespace sipalg::test
