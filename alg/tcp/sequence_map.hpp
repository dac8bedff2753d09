// The sequence map of a stream: the edits of the sender's bytes, and the receiver's sequence numbers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "alg/tcp/position.hpp"

namespace sipalg::tcp {

/// The edits of a stream, each a range of the sender's bytes for which the receiver gets another text. A
/// retransmission is written from its own segment and these edits, so its bytes are the same, however the
/// segments are split (T2). For edits that the receiver has acknowledged, only the growth is kept.
class SequenceMap {
  public:
    struct Edit {
        Position begin = 0, end = 0;  ///< in the sender's stream
        std::string text;
        friend bool operator==(const Edit&, const Edit&) = default;
    };

    /// Whether the receiver's stream has the length of the sender's and no edit is kept.
    bool is_identity() const { return base_ == 0 && edits_.empty(); }
    /// The number of bytes by which the receiver's stream is longer so far.
    std::int64_t length() const { return length_; }

    /// Edits come in the order of the stream and do not overlap.
    void add(Edit edit);
    /// Notes that the receiver has all bytes before `acknowledged` (a position of the sender) and ignores
    /// repetitions.
    void forget(Position acknowledged);

    /// The receiver's position for the sender's position `in`. Inside an edit: the same offset in the new
    /// text, at most its end. Monotonic.
    Position out(Position in) const;
    /// The sender's position that an acknowledgement of `out` by the receiver means.
    Position arrived(Position out) const;
    /// The first of the sender's bytes that begins at `out` or later.
    Position begins(Position out) const;

    /// Appends the receiver's bytes for the sender's `bytes` at `begin`: those from out(begin) to out(begin +
    /// bytes.size()).
    void write(Position begin, std::string_view bytes, std::string& to) const;

    std::int64_t base() const { return base_; }
    const std::vector<Edit>& edits() const { return edits_; }
    /// Before the first add().
    void set_base(std::int64_t base) { base_ = length_ = base; }

  private:
    template <class IsBefore>
    std::size_t count_before(IsBefore is_before) const;
    /// The growth by the first `count` edits and those that are forgotten.
    std::int64_t grown_after(std::size_t count) const;

    std::int64_t base_ = 0;    ///< growth before the first edit
    std::int64_t length_ = 0;  ///< base_ and the growth of all edits
    std::vector<Edit> edits_;
    std::vector<std::int64_t> grown_;  ///< for each edit, the growth before it
};

}  // namespace sipalg::tcp
