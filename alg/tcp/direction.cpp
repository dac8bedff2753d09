#include "alg/tcp/direction.hpp"

#include <algorithm>
#include <limits>

namespace sipalg::tcp {

namespace {

std::size_t index(Position difference) {
    return static_cast<std::size_t>(difference);
}

}  // namespace

void Direction::begin(std::uint32_t initial, bool editing) {
    *this = Direction{};
    known_ = true;
    editing_ = editing;
    initial_ = initial;
}

void Direction::restore(Saved saved) {
    begin(saved.initial, true);
    received_ = parsed_ = settled_ = sent_ = buffer_begin_ = saved.parsed;
    map_.set_base(saved.base);
    for (SequenceMap::Edit& edit : saved.edits)
        map_.add(std::move(edit));
    acknowledged_out_ = saved.acknowledged_out;
    local_ack_ = planned_local_ack_ = saved.local_ack;
    spoke_sip = saved.spoke_sip;
    restored_ = true;
    window_end_ = saved.parsed + (Position{65535} << 14);  // not recorded; the first acknowledgement has it
}

std::string_view Direction::unread() const {
    return std::string_view(buffer_).substr(index(parsed_ - buffer_begin_));
}

void Direction::receive(Position begin, std::string_view payload, bool is_fin) {
    const Position end = begin + static_cast<Position>(payload.size());
    if (end <= received_) {
        if (is_fin && end == received_) fin = end;
        return;
    }
    if (reading_stopped_) {
        if (is_fin) fin = end;
        // Segments are sent as they arrive, in any order.
        if (has_undelivered() && begin <= received_) {
            buffer_ += payload.substr(index(received_ - begin));
        } else {
            buffer_.clear();
            buffer_begin_ = end;
        }
        received_ = parsed_ = settled_ = end;
        return;
    }
    if (begin > received_) return;
    buffer_ += payload.substr(index(received_ - begin));
    received_ = end;
    if (is_fin) fin = end;
    absorb_queued();
}

void Direction::absorb_queued() {
    for (const SegmentQueue::Entry& entry : queue_.entries()) {
        const Carrier& carrier = entry.carrier;
        if (carrier.begin > received_) break;
        if (carrier.end < received_ || (fin && carrier.end > *fin)) continue;
        if (carrier.segment.is_fin()) fin = carrier.end;
        if (carrier.end == received_) continue;
        buffer_ += carrier.segment.payload.substr(index(received_ - carrier.begin));
        received_ = carrier.end;
    }
}

std::optional<Direction::Piece> Direction::next() {
    if (reading_stopped_) return std::nullopt;
    parsed_ = std::max(parsed_, std::min(skip_until_, received_));
    if (parsed_ == received_) return std::nullopt;
    const std::string_view bytes = unread();
    if (bytes.size() < wanted_) return std::nullopt;
    const sip::Piece piece = sip::next_piece(bytes, seen_);
    if (piece.kind == sip::Kind::need_more) {
        wanted_ = piece.wanted;
        seen_ = piece.seen;
        // STUN and TLS are never edited, so the part that has arrived can be sent.
        if (static_cast<unsigned char>(bytes[0]) < ' ' && bytes[0] != '\r' && bytes[0] != '\n')
            settled_ = received_;
        return std::nullopt;
    }
    const Piece read{piece.kind, bytes.substr(0, piece.length), parsed_};
    wanted_ = seen_ = 0;
    const bool was_passing = std::exchange(passing_, false);
    if (was_passing && piece.kind == sip::Kind::message) {
        // The beginning of the message was sent unmodified, so the rest must not change.
        parsed_ += static_cast<Position>(piece.length);
        return next();
    }
    if (piece.kind == sip::Kind::oversize) {
        skip_until_ = parsed_ + static_cast<Position>(piece.length);
        parsed_ = std::min(skip_until_, received_);
    } else {
        parsed_ += static_cast<Position>(read.bytes.size());
    }
    return read;
}

void Direction::checkpoint() {
    checkpoint_ = {received_, parsed_, skip_until_, wanted_, seen_, reading_stopped_, passing_, fin};
}

void Direction::rewind() {
    received_ = checkpoint_.received;
    parsed_ = checkpoint_.parsed;
    skip_until_ = checkpoint_.skip_until;
    wanted_ = checkpoint_.wanted;
    seen_ = checkpoint_.seen;
    reading_stopped_ = checkpoint_.reading_stopped;
    passing_ = checkpoint_.passing;
    fin = checkpoint_.fin;
    buffer_.resize(index(received_ - buffer_begin_));
    planned_.clear();
}

void Direction::plan(Position begin, Position end, std::string_view text) {
    // An insertion belongs to the byte before it, so that each edit has a byte that carries its text.
    if (begin == end && begin > buffer_begin_) {
        --begin;
        planned_.push_back({begin, end, buffer_[index(begin - buffer_begin_)] + std::string(text)});
        return;
    }
    planned_.push_back({begin, end, std::string(text)});
}

void Direction::stop_reading() {
    reading_stopped_ = true;
    parsed_ = settled_ = received_;
}

void Direction::pass_incomplete() {
    passing_ = true;
    settled_ = received_;
}

void Direction::settle(bool with_edits) {
    if (with_edits)
        for (SequenceMap::Edit& edit : planned_)
            map_.add(std::move(edit));
    planned_.clear();
    settled_ = std::max(settled_, !editing_ || passing_ ? received_ : parsed_);
}

std::optional<Chunk> Direction::send(const Carrier& carrier) {
    if (carrier.begin == carrier.end) {
        // An empty segment after waiting bytes gets the sequence number that the receiver expects; a FIN
        // waits.
        if (carrier.begin > settled_ && carrier.segment.is_fin() && is_reading()) return std::nullopt;
        const Position next = std::max(sent_, settled_);
        return Chunk{std::min(carrier.begin, fin && next >= *fin ? *fin + 1 : next), {}, true};
    }
    const Position stop = reading_stopped_ ? carrier.end : std::min(carrier.end, settled_);
    if (stop <= carrier.begin || !receiver_has_room(stop)) return std::nullopt;
    // Bytes that were already sent, and bytes after a gap, are only in the carrier.
    const bool only_in_carrier = carrier.begin < buffer_begin_ || carrier.begin > received_;
    const Position start = only_in_carrier ? carrier.begin : std::min(carrier.begin, sent_);
    const std::string_view own = carrier.segment.payload.substr(0, index(stop - carrier.begin));
    Chunk chunk = start == carrier.begin ? write(start, own) : write_buffered(start, stop);
    chunk.whole = stop == carrier.end;
    sent_ = std::max(sent_, stop);
    return chunk;
}

bool Direction::receiver_has_room(Position stop) const {
    if (!has_undelivered() || stop <= sent_) return true;
    // If nothing is in flight, a segment is sent even if it exceeds the window: the receiver accepts the part
    // that fits, and without it there would be no progress.
    const bool in_flight = map_.out(sent_) > acknowledged_out_;
    return receiver_window_ > 0 &&
           (!in_flight || map_.out(stop) <= acknowledged_out_ + static_cast<Position>(receiver_window_));
}

Chunk Direction::write(Position start, std::string_view bytes) {
    text_.clear();
    map_.write(start, bytes, text_);
    return {start, text_, false};
}

Chunk Direction::write_buffered(Position start, Position stop) {
    return write(start, std::string_view(buffer_).substr(index(start - buffer_begin_), index(stop - start)));
}

std::optional<Chunk> Direction::send_rest() {
    for (const SegmentQueue::Entry& entry : queue_.entries())
        if (!entry.forwarded && entry.carrier.begin < settled_) return std::nullopt;
    Position stop = settled_;
    if (!receiver_has_room(stop))
        stop = std::min(stop, map_.arrived(acknowledged_out_ + static_cast<Position>(receiver_window_)));
    if (stop <= sent_ || sent_ < buffer_begin_) return std::nullopt;
    return write_buffered(std::exchange(sent_, stop), stop);
}

std::optional<Chunk> Direction::retransmission(std::size_t most) {
    const Position start = acknowledged_in();
    const Position stop = std::min({local_ack_, sent_, start + static_cast<Position>(most)});
    if (stop <= start || start < buffer_begin_) return std::nullopt;
    return write_buffered(start, stop);
}

std::optional<SegmentQueue::Entry> Direction::pop_ready(Position before) {
    for (auto it = queue_.begin(); it != queue_.end() && it->carrier.begin < before;) {
        const Carrier& carrier = it->carrier;
        if (it->forwarded && carrier.end <= received_) {  // the buffer has its bytes now
            const auto place = it - queue_.begin();
            queue_.take(it);
            it = queue_.begin() + place;
            continue;
        }
        const bool is_empty = carrier.begin == carrier.end;
        const bool ready = !it->forwarded && (reading_stopped_ || carrier.begin < settled_ ||
                                              (is_empty && carrier.begin == settled_));
        if (ready)
            return receiver_has_room(std::min(carrier.end, settled_)) ? std::optional(queue_.take(it))
                                                                      : std::nullopt;
        ++it;
    }
    return std::nullopt;
}

void Direction::mark_all_sent() {
    sent_ = settled_;
    pop_ready(std::numeric_limits<Position>::max());  // removes the segments whose bytes were read
    discard_sent();
}

void Direction::discard_sent() {
    const Position keep = std::min({sent_, parsed_, has_undelivered() ? acknowledged_in() : sent_});
    if (keep <= buffer_begin_) return;
    buffer_.erase(0, std::min(index(keep - buffer_begin_), buffer_.size()));
    buffer_begin_ = keep;
}

bool Direction::note_acknowledgement(Position out, std::uint32_t window_bytes) {
    if (out < acknowledged_out_) return false;
    const bool more =
        out > std::exchange(acknowledged_out_, out) || (receiver_window_ == 0 && window_bytes > 0);
    receiver_window_ = window_bytes;
    widest_window_ = std::max(widest_window_, window_bytes);
    if (out == map_.out(sent_)) restored_ = false;
    if (restored_ && out == map_.out(sent_) + 1) fin = sent_;  // an earlier daemon saw it
    map_.forget(map_.arrived(out));
    window_end_ = std::max(window_end_, std::max(acknowledged_in(), local_ack_) + Position{window_bytes});
    return more;
}

bool Direction::is_in_window(Position begin, Position end) const {
    // A probe of a closed window may have a byte at its end.
    return end >= acknowledged_in() && begin <= window_end_ && (!fin || end <= *fin + (begin == end ? 1 : 0));
}

bool Direction::is_acceptable_ack(Position out) const {
    const Position last = last_ack() + (restored_ && !fin ? 1 : 0);
    return out >= acknowledged_out_ - Position{widest_window_} && out <= last;
}

bool Direction::note_unseen_ack(Position out) {
    const Position in = out - map_.length();
    unseen_ack_ = in;
    if (restored_) return true;
    return std::any_of(queue_.entries().begin(), queue_.entries().end(),
                       [&](const SegmentQueue::Entry& entry) {
                           return has_unseen_bytes(entry.carrier.begin, entry.carrier.end);
                       });
}

bool Direction::has_unseen_bytes(Position begin, Position end) const {
    return unseen_ack_ && begin > received_ && *unseen_ack_ >= begin && *unseen_ack_ <= end;
}

void Direction::note_own_window(std::uint32_t window_bytes) {
    window_end_ = std::max(window_end_, local_ack_ + Position{window_bytes});
}

void Direction::note_timestamp(std::uint32_t value) {
    if (!timestamp || static_cast<std::int32_t>(value - *timestamp) > 0) timestamp = value;
}

}  // namespace sipalg::tcp
