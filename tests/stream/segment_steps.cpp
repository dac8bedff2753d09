// Interprets the bytes as steps of both ends, of the clock and of the kernel.
#include <algorithm>

#include "alg/tcp/connection.hpp"
#include "tests/stream/phrases.hpp"
#include "tests/stream/segment_traffic.hpp"

namespace sipalg::test {

using tcp::Segment;

namespace {

constexpr std::array<std::uint16_t, 4> segment_sizes{1460, 536, 100, 1};
constexpr std::array<std::uint16_t, 4> windows{65535, 0, 1, 700};
constexpr std::array short_waits{Time{1}, Time{21}, Time{100}, Time{300}};
constexpr std::array long_waits{Time{1000}, Time{11'000}, Time{130'000}, Time{3'600'000}};
constexpr std::size_t most_text = 200'000;

}  // namespace

void SegmentTraffic::step() {
    const std::uint8_t kind = next();
    side_ = kind & 16 ? Side::outside : Side::inside;
    line_ = kind & 32 ? 1 : 0;
    how_ = kind / 64;
    lossy_ = false;
    Party& party = lines_[line_].of(side_);
    switch (kind % 16) {
        case 0: return open();
        case 1: return syn(false);
        case 2: return syn(true);
        case 3:
        case 4: return say(next());
        case 7: return burst(next_size());
        case 11: return odd();
        case 12: return wait(short_waits[how_]);
        case 13: return wait(long_waits[how_]);
        case 14: return upset();
        case 15: return last_words();
        default: break;
    }
    lossy_ = how_ == 3;
    const std::size_t size = next_size();
    switch (kind % 16) {
        case 8: {  // once more
            const std::size_t back = std::min(party.sent, std::size_t{next()});
            return send(party.sent - back, size, false);
        }
        case 9: return send(party.sent + next(), size, false);  // as if a segment was lost before
        case 10: party.window = windows[how_]; return send(party.sent, 0, false);
        default: return send(party.sent, size, false);
    }
}

void SegmentTraffic::open() {
    syn(false);
    side_ = opposite(side_);
    syn(true);
    side_ = opposite(side_);
    send(0, 0, false);
}

void SegmentTraffic::syn(bool answer) {
    Line& line = lines_[line_];
    Party& party = line.of(side_);
    Party& other = line.of(opposite(side_));
    const std::uint8_t kind = next();
    const bool again = party.open && kind & 128;
    if (!again && !answer) {
        check_heard(line);
        other.begin(0);
        line.honest = true;
    }
    if (!again) {
        if (party.open && answer) line.honest = false;
        if (!party.open || !answer) party.begin(initial_ += 0x10001);
        if (party.open) party.initial = initial_ += 0x10001;
    }
    if (answer && !other.open) line.honest = false;
    party.open = true;
    if (!again) party.mss = segment_sizes[kind % 4];
    if (!again && kind & 8) party.clock = kind & 16 ? 0xfffffff0 : 1000;
    Odd odd{made(line_, side_), {}};
    odd.made.sequence = party.initial;
    odd.made.flags = static_cast<std::uint8_t>(Segment::syn | (answer ? Segment::ack : 0));
    odd.made.timestamps.reset();
    odd.options = {2, 4, static_cast<std::uint8_t>(party.mss >> 8), static_cast<std::uint8_t>(party.mss)};
    if (kind & 4) odd.options.insert(odd.options.end(), {1, 1, 4, 2});
    if (kind & 32) odd.options.insert(odd.options.end(), {1, 3, 3, 2});
    if (kind & 8)
        odd.options.insert(odd.options.end(),
                           {1, 1, 8, 10, 0, 0, 0, static_cast<std::uint8_t>(party.clock), 0, 0, 0, 0});
    if (kind & 64) odd.options.insert(odd.options.end(), {30, 4, 0, 0});  // multipath
    arrive(odd);
}

void SegmentTraffic::say(std::size_t which) {
    Line& line = lines_[line_];
    Party& party = line.of(side_);
    if (party.text.size() > most_text) return;
    const Phrase said = phrase(which, side_ == Side::inside, line.inside, line.outside, ++messages_);
    party.say(said.sent, said.heard);
    if (!said.exact) party.legible = false;
}

void SegmentTraffic::send(std::size_t at, std::size_t size, bool final) {
    Line& line = lines_[line_];
    Party& party = line.of(side_);
    if (!party.open || !line.of(opposite(side_)).open || at > party.text.size()) return;
    const std::size_t end = std::min(at + size, party.text.size());
    // Nothing may follow a FIN.
    if (party.finished && end > party.sent) return;
    party.sent = std::max(party.sent, end);
    party.finished = party.finished || (final && party.sent == party.text.size());
    Odd odd{made(line_, side_), {}};
    odd.made.sequence = party.number(at);
    if (party.finished && end == party.sent) odd.made.flags |= Segment::fin;
    odd.made.payload = std::string_view(party.text).substr(at, end - at);
    arrive(odd);
}

// Sends all remaining bytes in segments of one size.
void SegmentTraffic::burst(std::size_t size) {
    const Party& party = lines_[line_].of(side_);
    for (int i = 0; i < 100 && party.sent < party.text.size() && !party.finished; ++i)
        send(party.sent, std::max(size, std::size_t{1}), false);
}

// A forged segment; some of its fields may be correct.
void SegmentTraffic::odd() {
    Line& line = lines_[line_];
    Party& party = line.of(side_);
    const std::uint8_t what = next();
    Odd odd{made(line_, side_), {}};
    if (what & 1) odd.made.sequence += static_cast<std::uint32_t>(next_offset());
    if (what & 2) odd.made.acknowledgement += static_cast<std::uint32_t>(next_offset());
    if (what & 4) odd.made.flags = next();
    if (what & 8) odd.made.window = static_cast<std::uint16_t>(next() << (how_ * 4));
    if (what & 16) {
        const std::string options = next_bytes(next() % 40U);
        odd.options.assign(options.begin(), options.end());
    }
    if (what & 32) {
        const std::uint32_t begin = odd.made.acknowledgement + static_cast<std::uint32_t>(next_offset());
        odd.made.sack = tcp::SackBlock{begin, begin + static_cast<std::uint32_t>(next_offset())};
    }
    if (what & 64) {
        party.clock += static_cast<std::uint32_t>(next_offset());
        odd.made.timestamps = {party.clock, line.of(opposite(side_)).clock};
    }
    std::string payload;
    if (what & 128)
        payload = next_bytes(next());
    else
        payload = party.text.substr(party.sent, next_size());
    odd.made.payload = payload;
    line.honest = line.honest && (what & ~(8U | 32U | 64U)) == 0 && payload.empty() && party.open;
    arrive(odd);
}

void SegmentTraffic::last_words() {
    Party& party = lines_[line_].of(side_);
    if (how_ < 2) return send(party.sent, std::min(party.text.size() - party.sent, std::size_t{1400}), true);
    if (how_ == 2) {  // arbitrary bytes as a part of the stream
        const std::string bytes = next_bytes(next());
        party.say(bytes, bytes);
        party.legible = false;
        return;
    }
    Odd odd{made(line_, side_), {}};
    odd.made.flags = Segment::rst | Segment::ack;
    arrive(odd);
}

void SegmentTraffic::upset() {
    if (how_ < 2) {
        kernel_.refuse_at_times(now_);
    } else if (how_ == 2) {
        restart();
    } else {
        end_connections(state_, now_, decision_);
        carry_all();
    }
}

}  // namespace sipalg::test
