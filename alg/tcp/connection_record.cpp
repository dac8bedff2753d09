#include "alg/tcp/connection_record.hpp"

#include <algorithm>
#include <utility>

#include "alg/tcp/connection.hpp"
#include "alg/tcp/message_sink.hpp"

namespace sipalg::tcp {

namespace {

// Longer than conntrack keeps an idle connection (nf_conntrack_tcp_timeout_established, 5 days), so that none
// of its segments passes untranslated while there is no daemon. The difference is more than `renewal`.
constexpr Seconds record_time{6 * 24 * 3600};
// Unchanged pieces and the SequenceMapped element are written again after this time.
constexpr Time renewal{12 * 3600 * 1000};

std::int64_t growth(const Direction& direction) {
    std::int64_t sum = direction.map().length();
    for (const SequenceMap::Edit& edit : direction.planned())
        sum += static_cast<std::int64_t>(edit.text.size()) - (edit.end - edit.begin);
    return sum;
}

LogHead log_head(const Connection& connection) {
    LogHead head;
    for (std::size_t i = 0; i < 2; ++i) {
        const Direction& direction = i == 0 ? connection.from_phone : connection.from_peer;
        head.directions[i] = {direction.parsed(), direction.acknowledged_out(), direction.planned_local_ack(),
                              growth(direction), direction.spoke_sip};
    }
    return head;
}

// In parts that fit into a piece.
template <class Visit>
void each_part(const std::vector<SequenceMap::Edit>& edits, Visit visit) {
    for (const SequenceMap::Edit& edit : edits) {
        std::string_view text = edit.text;
        do {
            visit(edit, text.substr(0, EditWriter::longest_text));
            text.remove_prefix(std::min(text.size(), EditWriter::longest_text));
        } while (!text.empty());
    }
}

}  // namespace

ConnectionRecord::ConnectionRecord(const StoredRecord& stored, bool mapped, Time now)
    : id_(stored.id), foreign_(true) {
    if (mapped) mapped_at_ = now;
    // An older layout was cut at the limit.
    std::vector<std::string_view> cut = cut_record(stored.bytes);
    if (cut.size() != stored.parts.size()) {
        cut.clear();
        for (std::size_t at = 0; at < stored.bytes.size(); at += Record::max_bytes)
            cut.push_back(std::string_view(stored.bytes).substr(at, Record::max_bytes));
    }
    for (std::size_t i = 0; i < cut.size(); ++i) {
        pieces_.emplace_back().part =
            i < stored.parts.size() ? stored.parts[i] : static_cast<std::uint32_t>(i);
        pieces_.back().bytes = cut[i];
        next_part_ = std::max(next_part_, pieces_.back().part + 1);
    }
}

std::string ConnectionRecord::stored() const {
    std::vector<const Piece*> in_order;
    for (const Piece& piece : pieces_)
        in_order.push_back(&piece);
    std::sort(in_order.begin(), in_order.end(),
              [](const Piece* a, const Piece* b) { return a->part < b->part; });
    std::string joined;
    for (const Piece* piece : in_order)
        joined += piece->bytes;
    return joined;
}

ConnectionRecord::Piece& ConnectionRecord::add_piece() {
    const auto is_used = [&](const Piece& piece) { return piece.part == next_part_; };
    while (std::any_of(pieces_.begin(), pieces_.end(), is_used))
        ++next_part_;
    ++undo_->added;
    pieces_.emplace_back().part = next_part_++;
    return pieces_.back();
}

Change ConnectionRecord::change(Change::Op op, const Piece& piece) const {
    if (op == Change::Op::remove) return {op, Record{id_, piece.part, {}}, Seconds{0}};
    return {op, Record{id_, piece.part, piece.bytes}, record_time};
}

void ConnectionRecord::update(const Connection& connection, MessageSink& sink, Time now,
                              std::vector<Change>& changes) {
    if (id_ == 0) id_ = sink.next_record_id();
    conclude(false);
    undo_ = Undo{};
    undo_->written_at = written_at_;
    undo_->mapped_at = mapped_at_;
    const LogHead head = log_head(connection);
    if (pieces_.empty() || foreign_ || now - *written_at_ >= renewal) {
        write_all(connection, head, changes);
        written_at_ = now;
    } else {
        remove_delivered(connection, changes);
        append(connection, head, false, changes);
    }
    const auto needs_us = [](const RecordedPositions& one) { return one.growth != 0 || one.local_ack > 0; };
    if (mapped_at_ ? now - *mapped_at_ < renewal
                   : !needs_us(head.directions[0]) && !needs_us(head.directions[1]))
        return;
    changes.push_back({mapped_at_ ? Change::Op::renew : Change::Op::add,
                       SequenceMapped{connection.key.phone, connection.key.peer}, record_time});
    mapped_at_ = now;
}

// Removes the pieces of which all edits are acknowledged. The head and the newest piece stay.
void ConnectionRecord::remove_delivered(const Connection& connection, std::vector<Change>& changes) {
    if (pieces_.size() < 3) return;
    const Position from_phone = connection.from_phone.acknowledged_in();
    const Position from_peer = connection.from_peer.acknowledged_in();
    const auto last = pieces_.end() - 1;
    auto kept = pieces_.begin() + 1;
    for (auto piece = kept; piece != last; ++piece) {
        if (piece->ends[0] > from_phone || piece->ends[1] > from_peer) {
            if (kept != piece) *kept = std::move(*piece);
            ++kept;
        } else {
            changes.push_back(change(Change::Op::remove, *piece));
            undo_->removed.push_back(std::move(*piece));
        }
    }
    pieces_.erase(kept, last);
}

void ConnectionRecord::write_all(const Connection& connection, LogHead head, std::vector<Change>& changes) {
    for (const Piece& piece : pieces_)
        changes.push_back(change(Change::Op::remove, piece));
    undo_->removed = std::exchange(pieces_, {});
    next_serial_ = 0;  // if the kernel refuses, the next update writes all pieces too
    Piece& fixed = add_piece();
    fixed.bytes = write_head(connection);
    changes.push_back(change(Change::Op::add, fixed));
    append(connection, head, true, changes);
}

// Writes the planned edits, and if `with_kept` those that are already in the map.
void ConnectionRecord::append(const Connection& connection, LogHead head, bool with_kept,
                              std::vector<Change>& changes) {
    const std::size_t room = Record::max_bytes - log_overhead(head);
    EditWriter writer;
    bool is_open = false;                // the last piece is to be written, with the edits of `writer`
    bool is_old = false;                 // likewise, but so far without new edits
    std::size_t first = pieces_.size();  // of those to be written
    std::vector<std::string> edits;      // of each of them
    // The positions may have become longer than when the newest piece was written.
    if (pieces_.size() > 1 && pieces_.back().bytes.size() - pieces_.back().edits_at <= room) {
        const Piece& newest = pieces_.back();
        undo_->newest = newest;
        writer.bytes = newest.bytes.substr(newest.edits_at);
        writer.ends = newest.ends;
        is_open = is_old = true;
        --first;
    }
    const auto close = [&] {
        if (!is_open) return;
        pieces_.back().ends = writer.ends;
        edits.push_back(writer.bytes);
        writer = {};
        is_open = false;
    };
    for (std::size_t i = 0; i < 2; ++i) {
        const Direction& direction = i == 0 ? connection.from_phone : connection.from_peer;
        const auto add = [&](const SequenceMap::Edit& edit, std::string_view text) {
            if (is_open && writer.add(i, edit.begin, edit.end, text, room)) {
                is_old = false;
                return;
            }
            if (is_old) {
                undo_->newest.reset();
                ++first;
                writer = {};
                is_open = is_old = false;
            }
            close();
            add_piece();
            is_open = writer.add(i, edit.begin, edit.end, text, room);
        };
        if (with_kept) each_part(direction.map().edits(), add);
        each_part(direction.planned(), add);
    }
    if (edits.empty() && !is_open) {
        add_piece();
        is_open = true;
    }
    close();
    head.pieces = static_cast<std::uint16_t>(pieces_.size() - 1);
    for (std::size_t i = 0; i < edits.size(); ++i) {
        Piece& piece = pieces_[first + i];
        head.serial = next_serial_++;
        piece.bytes = write_log(head, edits[i]);
        piece.edits_at = piece.bytes.size() - edits[i].size();
        const bool existed = i == 0 && undo_->newest;
        changes.push_back(change(existed ? Change::Op::renew : Change::Op::add, piece));
    }
}

void ConnectionRecord::conclude(bool in_force) {
    if (!undo_) return;
    if (in_force) {
        foreign_ = false;
    } else {
        pieces_.resize(pieces_.size() - undo_->added);
        if (undo_->newest) pieces_.back() = std::move(*undo_->newest);
        // Behind the head, or in place of all.
        pieces_.insert(pieces_.begin() + (pieces_.empty() ? 0 : 1),
                       std::move_iterator(undo_->removed.begin()), std::move_iterator(undo_->removed.end()));
        written_at_ = undo_->written_at;
        mapped_at_ = undo_->mapped_at;
    }
    undo_.reset();
}

void ConnectionRecord::remove(const ConnectionKey& key, std::vector<Change>& changes) const {
    for (const Piece& piece : pieces_)
        changes.push_back(change(Change::Op::remove, piece));
    if (mapped_at_) changes.push_back({Change::Op::remove, SequenceMapped{key.phone, key.peer}, Seconds{0}});
}

void ConnectionRecord::list(const ConnectionKey& key, std::vector<Change>& changes) const {
    for (const Piece& piece : pieces_)
        changes.push_back(change(Change::Op::add, piece));
    if (mapped_at_) changes.push_back({Change::Op::add, SequenceMapped{key.phone, key.peer}, record_time});
}

}  // namespace sipalg::tcp
