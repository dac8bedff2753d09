// The sequence map of a stream: what the receiver gets for the sender's bytes, and under which numbers.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "alg/tcp/position.hpp"

namespace sipalg::tcp {

/// The edits of a stream, each a range of the sender's bytes for which the receiver gets another text. Bytes
/// that are sent again are written from their own segment and these edits, so they are the same however the
/// segments are cut (T2). Of edits that the receiver has acknowledged only the growth is kept.
class SequenceMap {
  public:
    struct Edit {
        Position begin = 0, end = 0;  ///< in the sender's stream
        std::string text;
        friend bool operator==(const Edit&, const Edit&) = default;
    };

    /// The receiver's stream is as long as the sender's, and no edit is kept.
    bool is_identity() const { return base_ == 0 && edits_.empty(); }
    /// How many bytes the receiver's stream is longer so far.
    std::int64_t length() const;

    /// Edits come in the order of the stream and do not overlap.
    void add(Edit edit);
    /// The receiver has everything before `acknowledged` (the sender's), so it ignores repetitions.
    void forget(Position acknowledged);

    /// The receiver's position of the sender's `in`. Inside an edit: as far into its text, at most its end.
    /// Monotonic.
    Position out(Position in) const;
    /// The receiver has everything before `out`: the position in the sender's stream that it acknowledges.
    Position arrived(Position out) const;
    /// The first of the sender's bytes that begins at `out` or later.
    Position begins(Position out) const;

    /// Appends what the receiver gets for the sender's `bytes` at `begin`, from out(begin) to
    /// out(begin + bytes.size()).
    void write(Position begin, std::string_view bytes, std::string& to) const;

    std::int64_t base() const { return base_; }
    const std::vector<Edit>& edits() const { return edits_; }
    void set_base(std::int64_t base) { base_ = base; }

  private:
    std::int64_t base_ = 0;  ///< growth before the first edit
    std::vector<Edit> edits_;
};

}  // namespace sipalg::tcp
