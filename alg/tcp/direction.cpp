#include "alg/tcp/direction.hpp"

#include <algorithm>
#include <limits>

namespace sipalg::tcp {

namespace {

std::size_t index(Position difference) {
    return static_cast<std::size_t>(difference);
}

// Copies a carrier with its packet.
Direction::Held copy(const Carrier& carrier, bool passed) {
    Direction::Held held;
    held.bytes.assign(carrier.bytes.begin(), carrier.bytes.end());
    held.carrier = carrier;
    held.carrier.bytes = held.bytes;
    held.carrier.segment.payload = {
        reinterpret_cast<const char*>(held.bytes.data()) + carrier.segment.header_size,
        carrier.segment.payload.size()};
    held.passed = passed;
    return held;
}

}  // namespace

void Direction::begin(std::uint32_t initial, bool editing) {
    *this = Direction{};
    known_ = true;
    editing_ = editing;
    initial_ = initial;
}

void Direction::restore(std::uint32_t initial, bool editing, Position parsed, SequenceMap shift,
                        Position acknowledged_out, Position told) {
    begin(initial, editing);
    received_ = parsed_ = settled_ = sent_ = buffer_begin_ = parsed;
    shift_ = std::move(shift);
    acknowledged_out_ = acknowledged_out;
    told_ = next_told_ = told;
    spoke_sip = true;
}

std::string_view Direction::unread() const {
    return std::string_view(buffer_).substr(index(parsed_ - buffer_begin_));
}

void Direction::receive(Position begin, std::string_view payload) {
    const Position end = begin + static_cast<Position>(payload.size());
    if (end <= received_) return;
    if (blind_) {
        // What comes goes, in whatever order.
        if (owes() && begin <= received_) {
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
    absorb();
}

void Direction::absorb() {
    for (const Held& held : held_) {
        const Carrier& carrier = held.carrier;
        if (carrier.begin > received_) break;
        if (carrier.end <= received_) continue;
        buffer_ += carrier.segment.payload.substr(index(received_ - carrier.begin));
        received_ = carrier.end;
    }
}

std::optional<Direction::Read> Direction::next() {
    if (blind_) return std::nullopt;
    parsed_ = std::max(parsed_, std::min(skip_until_, received_));
    if (parsed_ == received_) return std::nullopt;
    const std::string_view bytes = unread();
    if (bytes.size() < wanted_) return std::nullopt;
    const sip::Piece piece = sip::next_piece(bytes, seen_);
    if (piece.kind == sip::Kind::need_more) {
        wanted_ = piece.wanted;
        seen_ = piece.seen;
        // STUN or TLS: nothing of it is written anew.
        if (static_cast<unsigned char>(bytes[0]) < ' ' && bytes[0] != '\r' && bytes[0] != '\n')
            settled_ = received_;
        return std::nullopt;
    }
    const Read read{piece.kind, bytes.substr(0, piece.length), parsed_};
    if (through_ && piece.kind == sip::Kind::message) {
        // It has been let through already.
        parsed_ += static_cast<Position>(piece.length);
        wanted_ = seen_ = 0;
        through_ = false;
        return next();
    }
    wanted_ = seen_ = 0;
    through_ = false;
    if (piece.kind == sip::Kind::oversize) {
        skip_until_ = parsed_ + static_cast<Position>(piece.length);
        parsed_ = std::min(skip_until_, received_);
    } else {
        parsed_ += static_cast<Position>(read.bytes.size());
    }
    if (piece.kind == sip::Kind::message) spoke_sip = true;
    return read;
}

void Direction::mark() {
    mark_ = {received_, parsed_, skip_until_, wanted_, seen_, blind_, through_};
}

void Direction::rewind() {
    received_ = mark_.received;
    parsed_ = mark_.parsed;
    skip_until_ = mark_.skip_until;
    wanted_ = mark_.wanted;
    seen_ = mark_.seen;
    blind_ = mark_.blind;
    through_ = mark_.through;
    buffer_.resize(index(received_ - buffer_begin_));
    planned_.clear();
}

void Direction::plan(Position begin, Position end, std::string_view text) {
    // What is inserted goes with the byte before it, so that every text has a byte that it goes with.
    if (begin == end && begin > buffer_begin_) {
        --begin;
        planned_.push_back({begin, end, buffer_[index(begin - buffer_begin_)] + std::string(text)});
        return;
    }
    planned_.push_back({begin, end, std::string(text)});
}

void Direction::stop_reading() {
    blind_ = true;
    parsed_ = settled_ = received_;
}

void Direction::let_through() {
    through_ = true;
    settled_ = received_;
}

bool Direction::has_gap() const {
    return !held_.empty() && held_.back().carrier.end > received_;
}

void Direction::settle(bool with_edits) {
    if (with_edits)
        for (SequenceMap::Edit& edit : planned_)
            shift_.add(std::move(edit));
    planned_.clear();
    settled_ = std::max(settled_, !editing_ || through_ ? received_ : parsed_);
}

std::optional<Load> Direction::load(const Carrier& carrier) {
    if (carrier.begin == carrier.end) {
        // Behind what waits, numbers are those of what the receiver has; a FIN waits as well.
        if (carrier.begin > settled_ && carrier.segment.is_fin() && !blind_) return std::nullopt;
        const Position next = std::max(sent_, settled_);
        return Load{std::min(carrier.begin, fin && next >= *fin ? *fin + 1 : next), {}, true};
    }
    const Position stop = blind_ ? carrier.end : std::min(carrier.end, settled_);
    if (stop <= carrier.begin || !has_room(stop)) return std::nullopt;
    // Of what was sent, and what comes behind a gap, only the carrier has the bytes.
    const bool alone = carrier.begin < buffer_begin_ || carrier.begin > received_;
    const Position start = alone ? carrier.begin : std::min(carrier.begin, sent_);
    const std::string_view own = carrier.segment.payload.substr(0, index(stop - carrier.begin));
    Load load = start == carrier.begin ? written(start, own) : kept(start, stop);
    load.whole = stop == carrier.end;
    sent_ = std::max(sent_, stop);
    return load;
}

bool Direction::has_room(Position stop) const {
    if (!owes() || stop <= sent_) return true;
    // A segment that alone is too much for the receiver is his to cut: nothing else would bring it on.
    const bool under_way = shift_.out(sent_) > acknowledged_out_;
    return room_ > 0 && (!under_way || shift_.out(stop) <= acknowledged_out_ + static_cast<Position>(room_));
}

Load Direction::written(Position start, std::string_view bytes) {
    text_.clear();
    shift_.write(start, bytes, text_);
    return {start, text_, false};
}

Load Direction::kept(Position start, Position stop) {
    return written(start,
                   std::string_view(buffer_).substr(index(start - buffer_begin_), index(stop - start)));
}

std::optional<Load> Direction::rest() {
    for (const Held& held : held_)
        if (!held.passed && held.carrier.begin < settled_) return std::nullopt;
    Position stop = settled_;
    if (!has_room(stop)) {
        const Position room = shift_.arrived(acknowledged_out_ + static_cast<Position>(room_));
        stop = std::min(stop, room);
    }
    if (stop <= sent_ || sent_ < buffer_begin_) return std::nullopt;
    return kept(std::exchange(sent_, stop), stop);
}

std::optional<Load> Direction::again(std::size_t most) {
    const Position start = acknowledged_in();
    const Position stop = std::min({told_, sent_, start + static_cast<Position>(most)});
    if (stop <= start || start < buffer_begin_) return std::nullopt;
    return kept(start, stop);
}

bool Direction::wants(const Carrier& carrier) const {
    const bool full = held_.size() >= max_held || held_bytes_ + carrier.bytes.size() > max_held_bytes;
    if (full) return false;
    for (const Held& held : held_)
        if (held.carrier.begin <= carrier.begin && held.carrier.end >= carrier.end &&
            (!carrier.segment.is_fin() || held.carrier.segment.is_fin()))
            return false;
    return true;
}

void Direction::hold(const Carrier& carrier, bool passed) {
    held_bytes_ += carrier.bytes.size();
    const auto behind =
        std::upper_bound(held_.begin(), held_.end(), carrier.begin,
                         [](Position begin, const Held& held) { return begin < held.carrier.begin; });
    held_.insert(behind, copy(carrier, passed));
}

std::optional<Direction::Held> Direction::take_ready(Position before) {
    for (auto it = held_.begin(); it != held_.end() && it->carrier.begin < before;) {
        const Carrier& carrier = it->carrier;
        const bool empty = carrier.begin == carrier.end;
        const bool over = it->passed && carrier.end <= received_;  // its bytes are kept
        const bool ready =
            !it->passed && (blind_ || carrier.begin < settled_ || (empty && carrier.begin == settled_));
        if (ready && !has_room(std::min(carrier.end, settled_))) return std::nullopt;
        if (!over && !ready) {
            ++it;
            continue;
        }
        Held taken = std::move(*it);
        held_bytes_ -= taken.bytes.size();
        it = held_.erase(it);
        if (ready) return taken;
    }
    return std::nullopt;
}

std::vector<Direction::Held> Direction::take_all() {
    held_bytes_ = 0;
    return std::exchange(held_, {});
}

void Direction::pass_everything() {
    sent_ = settled_;
    take_ready(std::numeric_limits<Position>::max());  // what is kept for its bytes has been read
    trim();
}

void Direction::trim() {
    const Position keep = std::min({sent_, parsed_, owes() ? acknowledged_in() : sent_});
    if (keep <= buffer_begin_) return;
    const std::size_t gone = std::min(index(keep - buffer_begin_), buffer_.size());
    buffer_.erase(0, gone);
    buffer_begin_ = keep;
}

bool Direction::acknowledged(Position out, std::uint32_t window_bytes) {
    if (out < acknowledged_out_) return false;
    const bool more = out > std::exchange(acknowledged_out_, out) || (room_ == 0 && window_bytes > 0);
    room_ = window_bytes;
    shift_.forget(shift_.arrived(out));
    return more;
}

void Direction::note_timestamp(std::uint32_t value) {
    if (!timestamp || static_cast<std::int32_t>(value - *timestamp) > 0) timestamp = value;
}

std::optional<std::pair<Position, Position>> Direction::selective() const {
    if (!has_gap()) return std::nullopt;
    std::pair<Position, Position> run{held_.back().carrier.begin, held_.back().carrier.end};
    for (auto it = held_.rbegin(); it != held_.rend() && it->carrier.end >= run.first; ++it)
        run.first = std::min(run.first, it->carrier.begin);
    run.first = std::max(run.first, received_ + 1);
    if (run.first >= run.second) return std::nullopt;
    return run;
}

}  // namespace sipalg::tcp
