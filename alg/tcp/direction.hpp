// One direction of a TCP connection: its bytes in order, cut into messages, and the bytes for the receiver.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "alg/sip/splitter.hpp"
#include "alg/tcp/segment_queue.hpp"
#include "alg/tcp/sequence_map.hpp"

namespace sipalg::tcp {

/// Bytes for the receiver.
struct Chunk {
    Position begin = 0;  ///< in the sender's stream; SequenceMap::out() has the receiver's position
    std::string_view text;
    bool whole = true;  ///< it ends with the carrier's last byte, so the carrier's FIN belongs to it
};

/// The stream of one sender. All bytes before `received` have arrived in order; those before `parsed` were
/// cut into messages; for those before `settled` the receiver's text is decided; those before `sent` were
/// sent to the receiver.
///
///     sent <= settled <= received,  parsed <= received
///
/// An incomplete message lies between settled and received, and its segments are queued. settle() moves
/// `settled`, send() moves `sent`. The buffer keeps all bytes behind `sent`, so a queued segment is needed
/// for its packet, not for its bytes. When too many are queued, more are dropped, and the segment that
/// completes the message carries all bytes.
///
/// Local acknowledgement: if the congestion window of the sender is smaller than a message, its bytes are
/// acknowledged before the receiver has them (T1). From then on the buffer keeps them until the receiver
/// acknowledges them, and the daemon retransmits.
class Direction {
  public:
    /// The limit for edits that the receiver has not acknowledged; beyond it no more messages are changed.
    /// The record has all of them.
    static constexpr std::size_t max_edits = 2048;

    /// `initial`: the sequence number of the SYN. `editing`: messages may be edited, so a byte is only sent
    /// after the decision; else all bytes are sent at once and only read.
    void begin(std::uint32_t initial, bool editing);
    bool known() const { return known_; }  ///< begin() was called: the sender's SYN was seen
    std::uint32_t initial() const { return initial_; }
    Position at(std::uint32_t sequence_number) const {
        return position(sequence_number, initial_, received_);
    }

    // Reading -------------------------------------------------------------------------------------------

    /// Appends the new part of a segment's payload, and the bytes of queued segments that follow it.
    /// `is_fin`: the stream ends with the payload, which takes effect when everything before it has arrived.
    void receive(Position begin, std::string_view payload, bool is_fin);
    /// The next piece of the stream; nullopt: more has to arrive. `bytes` are valid until discard_sent().
    struct Piece {
        sip::Kind kind = sip::Kind::garbage;
        std::string_view bytes;
        Position begin = 0;
    };
    std::optional<Piece> next();
    /// Saves the state before receive(); rewind() returns to it, but not after settle().
    void checkpoint();
    void rewind();
    /// Plans an edit: the receiver gets `text` for these bytes. Call it in the order of the stream, not
    /// before `settled`.
    void plan(Position begin, Position end, std::string_view text);
    const std::vector<SequenceMap::Edit>& planned() const { return planned_; }
    std::size_t edit_count() const { return map_.edits().size() + planned_.size(); }

    /// Stops reading: later bytes are sent as they arrive, with the present sequence map.
    void stop_reading();
    bool is_reading() const { return !reading_stopped_; }
    /// Gives up on the incomplete message: it is sent as it arrives.
    void pass_incomplete();
    /// Whether part of a message waits for the rest.
    bool is_waiting() const { return editing_ && sent_ < received_; }
    /// Whether the receiver's window has no room for all settled bytes.
    bool is_stalled() const { return sent_ < settled_; }
    /// Whether segments are queued after a gap.
    bool has_gap() const { return queue_.reaches_beyond(received_); }

    // Sending -------------------------------------------------------------------------------------------

    /// Settles all bytes that were cut into messages: with the planned edits, or as they arrived.
    void settle(bool with_edits);
    /// The part of a carrier that can be sent now, with the bytes that were queued before it. nullopt: none;
    /// queue the carrier or drop it. The text is valid until the next call.
    std::optional<Chunk> send(const Carrier& carrier);
    /// Settled bytes without a queued carrier, as many as the receiver has room for.
    std::optional<Chunk> send_rest();
    bool has_use_for(const Carrier& carrier) const { return queue_.has_use_for(carrier); }
    /// Queues a copy of the segment. After a gap it is kept for its bytes even if it was already `forwarded`.
    void enqueue(const Carrier& carrier, bool forwarded) { queue_.add(carrier, forwarded); }
    /// Removes the first queued segment that begins before `before` and can be sent now.
    std::optional<SegmentQueue::Entry> pop_ready(Position before);
    /// Removes all queued segments, in their order.
    SegmentQueue::Entries pop_all() { return queue_.take_all(); }
    /// Without editing: notes that everything that has arrived was sent.
    void mark_all_sent();
    /// Frees the bytes that are no longer needed.
    void discard_sent();

    // Windows (X13) -------------------------------------------------------------------------------------

    /// Whether a segment's payload overlaps the receiver's window (RFC 9293 3.4): it is not completely
    /// acknowledged, and not after the window or after the end of the stream.
    bool is_in_window(Position begin, Position end) const;
    /// Whether a segment of the receiver may acknowledge `out` (in the receiver's numbers; RFC 5961 5.2).
    bool is_acceptable_ack(Position out) const;
    /// The last position that the receiver may acknowledge: everything sent, and the FIN.
    Position last_ack() const { return map_.out(sent_) + (fin && sent_ >= *fin ? 1 : 0); }
    /// Notes that the receiver acknowledges bytes that were never sent to it. True: segments of the sender
    /// confirm it, so bytes have passed unseen. A segment of one end alone proves nothing.
    bool note_unseen_ack(Position out);
    /// Whether that is confirmed by a segment of the sender, from `begin` to `end`.
    bool has_unseen_bytes(Position begin, Position end) const;
    /// Notes the window that was advertised to the sender with the local acknowledgement.
    void note_own_window(std::uint32_t window_bytes);

    // Acknowledgements ----------------------------------------------------------------------------------

    /// Notes that the receiver has all bytes before `out` (in its numbers) and room for `window_bytes` more.
    /// True: `out` is higher than before, or a closed window has opened.
    bool note_acknowledgement(Position out, std::uint32_t window_bytes);
    Position acknowledged_out() const { return acknowledged_out_; }
    /// The same in the sender's numbers.
    Position acknowledged_in() const { return map_.arrived(acknowledged_out_); }

    /// Plans a local acknowledgement of everything that has arrived. It is in force after
    /// confirm_local_ack().
    void plan_local_ack() { planned_local_ack_ = received_; }
    void confirm_local_ack() { local_ack_ = planned_local_ack_; }
    void cancel_local_ack() { planned_local_ack_ = local_ack_; }
    bool has_planned_local_ack() const { return planned_local_ack_ != local_ack_; }
    /// All bytes before this position were acknowledged locally; 0: none.
    Position local_ack() const { return local_ack_; }
    Position planned_local_ack() const { return planned_local_ack_; }
    /// Whether the receiver has not yet acknowledged all bytes that were acknowledged locally.
    bool has_undelivered() const { return local_ack_ > acknowledged_in(); }
    std::size_t undelivered() const {
        return has_undelivered() ? static_cast<std::size_t>(local_ack_ - acknowledged_in()) : 0;
    }
    /// At most `most` undelivered bytes to retransmit.
    std::optional<Chunk> retransmission(std::size_t most);
    /// The last run of bytes after a gap.
    std::optional<std::pair<Position, Position>> sack_run() const { return queue_.last_run(received_); }

    const SequenceMap& map() const { return map_; }
    Position received() const { return received_; }
    Position settled() const { return settled_; }
    Position parsed() const { return parsed_; }
    Position sent() const { return sent_; }
    std::size_t queued_count() const { return queue_.size(); }
    std::size_t memory() const { return buffer_.size() + queue_.bytes(); }

    /// The part of a direction that a record has. All bytes before `parsed` were sent.
    struct Saved {
        bool spoke_sip = true;
        std::uint32_t initial = 0;
        Position parsed = 0, acknowledged_out = 0, local_ack = 0;
        std::int64_t base = 0;  ///< SequenceMap::base()
        std::vector<SequenceMap::Edit> edits;
    };
    void restore(Saved saved);

    /// Notes a timestamp of the sender. Timestamps grow, but segments may be reordered (RFC 7323 5.2).
    void note_timestamp(std::uint32_t value);

    // The options of the sender's SYN, and values of its latest segments.
    std::uint16_t mss = 536;  ///< the largest segment that the sender accepts (RFC 9293 3.7.1)
    std::uint8_t window_scale = 0;
    bool sack = false;
    bool timestamps = false;                 ///< in each of its segments
    std::optional<std::uint32_t> timestamp;  ///< the newest that was seen
    std::uint16_t window = 0;                ///< the last, not scaled
    std::optional<Position> fin;             ///< the end of the stream, once a FIN was seen
    bool spoke_sip = false;                  ///< SIP was in the stream (X14)

  private:
    std::string_view unread() const;
    void absorb_queued();
    bool receiver_has_room(Position stop) const;
    Chunk write(Position start, std::string_view bytes);
    Chunk write_buffered(Position start, Position stop);

    bool known_ = false, editing_ = true, reading_stopped_ = false;
    bool passing_ = false;  ///< the incomplete message is sent as it arrives
    std::uint32_t initial_ = 0;
    SequenceMap map_;
    Position received_ = 0, parsed_ = 0, settled_ = 0, sent_ = 0;
    Position local_ack_ = 0, planned_local_ack_ = 0;
    Position skip_until_ = 0;            ///< the end of a message that is too long to be read
    std::size_t wanted_ = 0, seen_ = 0;  ///< see sip::Piece
    std::string buffer_;                 ///< the bytes from buffer_begin_ to received_
    Position buffer_begin_ = 0;
    std::vector<SequenceMap::Edit> planned_;
    SegmentQueue queue_;
    Position acknowledged_out_ = 0;
    std::uint32_t receiver_window_ = 0;  ///< bytes
    std::uint32_t widest_window_ = 65535;
    Position window_end_ = 0;             ///< the first byte that the sender was never allowed to send
    std::optional<Position> unseen_ack_;  ///< acknowledged by the receiver alone; in the sender's numbers
    bool restored_ = false;               ///< from a record, and not yet confirmed by segments
    std::string text_;                    ///< of the last chunk
    struct Checkpoint {
        Position received = 0, parsed = 0, skip_until = 0;
        std::size_t wanted = 0, seen = 0;
        bool reading_stopped = false, passing = false;
        std::optional<Position> fin;
    };
    Checkpoint checkpoint_;
};

}  // namespace sipalg::tcp
