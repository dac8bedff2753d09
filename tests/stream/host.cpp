#include "tests/stream/host.hpp"

#include <algorithm>
#include <stdexcept>

namespace sipalg::test {

using tcp::Segment;

Host::Packet Host::syn() {
    const bool answer = known_;
    tcp::SegmentFields made;
    made.source = own_;
    made.destination = peer_;
    made.sequence = initial_;
    made.acknowledgement = answer ? peer_initial_ + 1 : 0;
    made.window = static_cast<std::uint16_t>(std::min<std::size_t>(kind_.window, 65535));
    made.flags = static_cast<std::uint8_t>(Segment::syn | (answer ? Segment::ack : 0));
    Packet packet = tcp::make_segment(made);
    // Options: MSS, window scale, SACK permitted, timestamps, filled up with no-operations.
    std::vector<std::uint8_t> options{
        2, 4,          static_cast<std::uint8_t>(kind_.mss >> 8), static_cast<std::uint8_t>(kind_.mss), 1, 3,
        3, kind_.scale};
    if (kind_.sack) options.insert(options.end(), {1, 1, 4, 2});
    if (kind_.timestamps) options.insert(options.end(), {1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0});
    packet.insert(packet.end(), options.begin(), options.end());
    packet[32] = static_cast<std::uint8_t>((20 + options.size()) / 4 << 4);
    tcp::finish_packet(packet, 20);
    return packet;
}

Host::Packet Host::segment(std::uint8_t flags, std::size_t at, std::string_view payload) {
    tcp::SegmentFields made;
    made.source = own_;
    made.destination = peer_;
    made.sequence = initial_ + 1 + static_cast<std::uint32_t>(at);
    made.acknowledgement =
        peer_initial_ + 1 + static_cast<std::uint32_t>(in_.size()) + (heard_end_ ? 1U : 0U);
    made.window = static_cast<std::uint16_t>(std::min<std::size_t>(room() >> kind_.scale, 65535));
    made.flags = flags;
    if (use_timestamps_) made.timestamps = {++clock_, peer_clock_};
    if (use_sack_ && !early_.empty()) {
        const std::size_t begin = early_.begin()->first;
        std::size_t end = begin;
        for (const auto& [from, bytes] : early_)
            if (from <= end) end = std::max(end, from + bytes.size());
        made.sack = tcp::SackBlock{peer_initial_ + 1 + static_cast<std::uint32_t>(begin),
                                   peer_initial_ + 1 + static_cast<std::uint32_t>(end)};
    }
    made.payload = payload;
    return tcp::make_segment(made);
}

std::size_t Host::under_way() const {
    std::size_t selected = 0;
    for (const auto& [begin, end] : selective_)
        if (end > acknowledged_) selected += end - std::max(begin, acknowledged_);
    const std::size_t all = sent_ - acknowledged_;
    return all - std::min(all, selected);
}

Host::Packet Host::next() {
    if (!known_ || finished_ || reset_) return {};
    const std::size_t window =
        acknowledged_ + peer_window_ > sent_ ? acknowledged_ + peer_window_ - sent_ : 0;
    const std::size_t congestion = kind_.congestion * most_;
    if (sent_ < out_.size() && window > 0 && under_way() < congestion) {
        const std::size_t most = std::min({most_ - (use_timestamps_ ? 12 : 0), window, out_.size() - sent_});
        const std::size_t size = dice_.one_in(3) ? 1 + dice_.below(most) : most;
        const std::size_t at = sent_;
        sent_ += size;
        finished_ = closing_ && sent_ == out_.size() && dice_.one_in(2);
        return segment(finished_ ? Segment::ack | Segment::fin : Segment::ack | Segment::psh, at,
                       std::string_view(out_).substr(at, size));
    }
    if (closing_ && sent_ == out_.size()) {
        finished_ = true;
        return segment(Segment::ack | Segment::fin, sent_, {});
    }
    return {};
}

Host::Packet Host::again() {
    if (!known_ || reset_) return {};
    if (acknowledged_ >= sent_) {
        if (finished_ && !all_acknowledged()) return segment(Segment::ack | Segment::fin, sent_, {});
        // A keep-alive or a probe, with the sequence number before the window (RFC 9293 3.8.4).
        return sent_ > 0 ? segment(Segment::ack, sent_ - 1, {}) : Packet{};
    }
    const std::size_t most = std::min(most_ - (use_timestamps_ ? 12 : 0), sent_ - acknowledged_);
    const std::size_t size = dice_.one_in(3) ? 1 + dice_.below(most) : most;
    const bool last = finished_ && acknowledged_ + size == sent_;
    return segment(last ? Segment::ack | Segment::fin : Segment::ack, acknowledged_,
                   std::string_view(out_).substr(acknowledged_, size));
}

void Host::hear(const Packet& bytes, std::vector<Packet>& answers) {
    const auto packet = parse_packet(bytes);
    const auto heard = packet ? tcp::parse_segment(bytes, *packet) : std::nullopt;
    if (!heard) throw std::runtime_error("a packet that can't be read");
    if (heard->has(Segment::rst)) {
        reset_ = true;
        return;
    }
    if (heard->has(Segment::syn)) {
        if (known_ && !heard->has(Segment::ack)) answers.push_back(syn());
        if (known_) return;
        known_ = true;
        peer_initial_ = heard->sequence;
        if (heard->mss) most_ = *heard->mss;
        peer_scale_ = heard->window_scale.value_or(0);
        use_sack_ = kind_.sack && heard->sack_permitted;
        use_timestamps_ = kind_.timestamps && heard->timestamps;
        peer_window_ = heard->window;
        answers.push_back(heard->has(Segment::ack) ? segment(Segment::ack, 0, {}) : syn());
        return;
    }
    if (!known_) return;
    if (use_timestamps_) {
        if (!heard->timestamps) throw std::runtime_error("timestamps are missing");
        // Protection against wrapped sequences (RFC 7323 5.3): the older one is dropped and answered, but not
        // an acknowledgement with another.
        if (heard->timestamps->first < peer_clock_) {
            ++outdated_;
            if (!heard->payload.empty() || heard->is_fin())
                answers.push_back(segment(Segment::ack, sent_ + (finished_ ? 1 : 0), {}));
            return;
        }
    }
    const std::size_t acknowledged = static_cast<std::size_t>(
        tcp::position(heard->acknowledgement, initial_, static_cast<tcp::Position>(sent_)));
    if (acknowledged > sent_ + (finished_ ? 1 : 0))
        throw std::runtime_error("acknowledges what was never sent");
    if (acknowledged >= acknowledged_) {
        acknowledged_ = acknowledged;
        peer_window_ = static_cast<std::size_t>(heard->window) << peer_scale_;
    }
    std::erase_if(selective_, [&](const auto& entry) { return entry.second <= acknowledged_; });
    for (std::size_t i = 0; use_sack_ && i < heard->sack_count; ++i) {
        const auto near = static_cast<tcp::Position>(sent_);
        const auto begin = tcp::position(heard->sacks[i].first, initial_, near);
        const auto end = tcp::position(heard->sacks[i].second, initial_, near);
        if (end > near) throw std::runtime_error("selects what was never sent");
        if (begin < end && begin > static_cast<tcp::Position>(acknowledged_)) {
            auto& known = selective_[static_cast<std::size_t>(begin)];
            known = std::max(known, static_cast<std::size_t>(end));
        }
    }
    const auto begin = tcp::position(heard->sequence, peer_initial_, static_cast<tcp::Position>(in_.size()));
    const auto size = static_cast<tcp::Position>(heard->payload.size());
    const auto have = static_cast<tcp::Position>(in_.size());
    if (use_timestamps_ && begin <= have) peer_clock_ = heard->timestamps->first;
    if (heard->is_fin()) end_at_ = std::min(end_at_, static_cast<std::size_t>(begin + size));
    if (size > 0 && begin + size > have && begin < have + static_cast<tcp::Position>(room())) {
        std::string_view payload = heard->payload;
        std::size_t at = static_cast<std::size_t>(std::max(begin, tcp::Position{0}));
        if (begin < have) {
            payload.remove_prefix(static_cast<std::size_t>(have - begin));
            at = in_.size();
        }
        if (early_[at].size() < payload.size()) early_[at] = payload;
    }
    for (auto it = early_.begin(); it != early_.end() && it->first <= in_.size(); it = early_.erase(it)) {
        const std::size_t known = in_.size() - it->first;
        if (known >= it->second.size()) continue;
        unread_ += it->second.size() - known;
        in_ += it->second.substr(known);
    }
    if (in_.size() == end_at_) heard_end_ = true;
    // Answers every segment except a pure acknowledgement without news.
    if (size > 0 || heard->is_fin() || begin < have)
        answers.push_back(segment(Segment::ack, sent_ + (finished_ ? 1 : 0), {}));
}

}  // namespace sipalg::test
