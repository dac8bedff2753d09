// One direction of a TCP connection: its bytes in order, cut into messages, and the segments that wait for
// them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "alg/base/time.hpp"
#include "alg/sip/splitter.hpp"
#include "alg/tcp/segment.hpp"
#include "alg/tcp/sequence_map.hpp"

namespace sipalg::tcp {

/// A segment with the packet it came in, whose verdict it is to carry bytes.
struct Carrier {
    std::uint64_t token = 0;  ///< Arrival::token
    Bytes bytes;
    Segment segment;
    Position begin = 0, end = 0;  ///< of its payload
};

/// What the receiver is told in place of a carrier's payload.
struct Load {
    Position begin = 0;  ///< in the sender's stream; where it stands in the receiver's is SequenceMap::out()
    std::string_view text;
    bool whole = true;  ///< the carrier's last byte is in it, so its FIN goes with it
};

/// The sender's half. Numbers: everything before `received` has come in order; before `parsed` it was cut
/// into pieces; before `settled` it is decided how the receiver gets it; before `sent` he was sent it.
///
///     sent <= settled <= received,  parsed <= received
///
/// An incomplete message lies between settled and received, its segments are held. settle() moves `settled`,
/// release() moves `sent`. The bytes behind `sent` are kept, so a held segment is wanted for its place in the
/// queue, not for its bytes: where there are too many they are dropped, and the one that completes the
/// message carries everything.
class Direction {
  public:
    /// More segments, or bytes of them, are not held for one direction.
    static constexpr std::size_t max_held = 64;
    static constexpr std::size_t max_held_bytes = 131072;
    /// Beyond that no message is changed until the receiver has acknowledged some: a record names all that he
    /// has not, and each segment is looked up among them.
    static constexpr std::size_t max_edits = 2048;

    /// `initial`: the sequence number of the SYN. `editing`: the receiver may get other bytes, so none before
    /// it is decided which; else all pass at once and are only read.
    void begin(std::uint32_t initial, bool editing);
    bool known() const { return known_; }
    std::uint32_t initial() const { return initial_; }
    Position at(std::uint32_t sequence_number) const {
        return position(sequence_number, initial_, received_);
    }

    // Reading -------------------------------------------------------------------------------------------

    /// Takes the payload of a segment, as far as it is new, and what held ones have behind it.
    void receive(Position begin, std::string_view payload);
    /// The next piece of what has come; nullopt: more has to come. `bytes` stay until release().
    struct Read {
        sip::Kind kind = sip::Kind::garbage;
        std::string_view bytes;
        Position begin = 0;
    };
    std::optional<Read> next();
    /// Before receive(), so that rewind() can take it and what follows back, up to settle().
    void mark();
    void rewind();
    /// The receiver shall get `text` for these bytes. In order, not before `settled`.
    void plan(Position begin, Position end, std::string_view text);
    const std::vector<SequenceMap::Edit>& planned() const { return planned_; }
    std::size_t edit_count() const { return shift_.edits().size() + planned_.size(); }

    /// No more is read: everything passes, with the shift that there is.
    void stop_reading();
    bool reading() const { return !blind_; }
    /// The message that is incomplete passes as it comes.
    void let_through();
    /// Some of a message waits here for the rest.
    bool waits() const { return editing_ && sent_ < received_; }
    /// The receiver has no room for all that he is to get.
    bool is_stalled() const { return sent_ < settled_; }
    /// There is something behind a gap.
    bool has_gap() const;

    // Sending -------------------------------------------------------------------------------------------

    /// Everything that was cut into pieces may go: with the planned edits, or as it came.
    void settle(bool with_edits);
    /// What of a carrier may go now. nullopt: nothing, it is to be held (or dropped, see wants()). The text
    /// stays until the next call.
    std::optional<Load> load(const Carrier& carrier);
    /// Bytes that are settled and have no carrier, as many as the receiver has room for.
    std::optional<Load> rest();
    /// Whether holding the carrier is any good: not if another one is held for the same bytes, or the bounds
    /// are reached while its bytes are kept already.
    bool wants(const Carrier& carrier) const;
    /// Takes over a copy. Behind a gap it is kept for its bytes also when it `passed` already.
    void hold(const Carrier& carrier, bool passed);
    /// Gives the first held carrier that begins before `before` and may go now; it is no longer held.
    struct Held {
        std::vector<std::uint8_t> bytes;
        Carrier carrier;  ///< views into `bytes`
        bool passed = false;
    };
    std::optional<Held> take_ready(Position before);
    /// All that are held, in their order, to be let go as they are.
    std::vector<Held> take_all();
    /// Not editing: all that has come has gone already.
    void pass_everything();
    /// Forgets what was sent.
    void trim();

    // What both ends have told about this direction -----------------------------------------------------

    /// The receiver has everything before `out` (in his numbers) and room for `window` bytes more.
    /// True: that is more than before, or he had no room and has some now.
    bool acknowledged(Position out, std::uint32_t window);
    Position acknowledged_out() const { return acknowledged_out_; }
    /// The same in the sender's numbers.
    Position acknowledged_in() const { return shift_.arrived(acknowledged_out_); }
    /// The sender is to be told that everything that has come has arrived: it is ours then to bring it on,
    /// when the receiver has room, and again where it gets lost. Not before confirm_take_over().
    void take_over() { next_told_ = received_; }
    void confirm_take_over() { told_ = next_told_; }
    void cancel_take_over() { next_told_ = told_; }
    /// So far the sender was told, or is about to be.
    Position told() const { return told_; }
    Position next_told() const { return next_told_; }
    /// The receiver does not have it all yet.
    bool owes() const { return told_ > acknowledged_in(); }
    /// Of what is owed and was sent, at most so many bytes to be sent again.
    std::optional<Load> again(std::size_t most);
    /// The last stretch behind a gap.
    std::optional<std::pair<Position, Position>> selective() const;

    const SequenceMap& shift() const { return shift_; }
    Position received() const { return received_; }
    Position settled() const { return settled_; }
    Position parsed() const { return parsed_; }
    Position sent() const { return sent_; }
    std::size_t held_count() const { return held_.size(); }
    std::size_t memory() const { return buffer_.size() + held_bytes_; }

    /// As a restarted daemon finds it: everything before `parsed` was sent.
    void restore(std::uint32_t initial, bool editing, Position parsed, SequenceMap shift,
                 Position acknowledged_out, Position told);

    /// A timestamp of the sender's: they grow, but segments overtake each other (RFC 7323 5.2).
    void note_timestamp(std::uint32_t value);

    // Options of the sender's SYN and what came with his last segments.
    std::uint16_t mss = 536;  ///< the most he takes in one segment (RFC 9293 3.7.1)
    std::uint8_t window_scale = 0;
    bool sack = false;
    bool timestamps = false;                 ///< in each of his segments
    std::optional<std::uint32_t> timestamp;  ///< his newest that was seen
    std::uint16_t window = 0;                ///< his last, as it stood
    std::optional<Position> fin;             ///< where the stream ends, once that was sent
    bool spoke_sip = false;                  ///< there was a message

  private:
    std::string_view unread() const;
    void absorb();
    bool has_room(Position stop) const;
    Load written(Position start, std::string_view bytes);
    Load kept(Position start, Position stop);

    bool known_ = false, editing_ = true, blind_ = false, through_ = false;
    std::uint32_t initial_ = 0;
    SequenceMap shift_;
    Position received_ = 0, parsed_ = 0, settled_ = 0, sent_ = 0;
    Position told_ = 0, next_told_ = 0;
    Position skip_until_ = 0;            ///< the rest of a message that is too long to be read
    std::size_t wanted_ = 0, seen_ = 0;  ///< see sip::Piece
    std::string buffer_;                 ///< the bytes from buffer_begin_ to received_
    Position buffer_begin_ = 0;
    std::vector<SequenceMap::Edit> planned_;
    std::vector<Held> held_;  ///< by their beginning
    std::size_t held_bytes_ = 0;
    Position acknowledged_out_ = 0;
    std::uint32_t room_ = 0;
    std::string text_;  ///< of the last load
    struct Mark {
        Position received = 0, parsed = 0, skip_until = 0;
        std::size_t wanted = 0, seen = 0;
        bool blind = false, through = false;
    };
    Mark mark_;
};

}  // namespace sipalg::tcp
