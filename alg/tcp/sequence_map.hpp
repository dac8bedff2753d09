// How a stream is written for its receiver, and which of his numbers stands for which of the sender's.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "alg/tcp/position.hpp"

namespace sipalg::tcp {

/// The edits of a stream, each a stretch of the sender's bytes that the receiver gets as another text. Every
/// byte that the sender sends (again) is written from its own segment and these edits, so that it is the same
/// however the segments are cut (T2). Edits that the receiver has acknowledged are only kept as their length.
class SequenceMap {
  public:
    struct Edit {
        Position begin = 0, end = 0;  ///< the sender's
        std::string text;
        friend bool operator==(const Edit&, const Edit&) = default;
    };

    /// Nothing was ever inserted or removed, and nothing is changed now.
    bool is_identity() const { return base_ == 0 && edits_.empty(); }
    /// How much longer the receiver's stream is so far.
    std::int64_t length() const;

    /// Edits come in the order of the stream and do not overlap.
    void add(Edit edit);
    /// The receiver has everything before `acknowledged`: what comes of that again may be anything.
    void forget(Position acknowledged);

    /// Where the receiver finds what the sender has at `in`. Inside an edit: as far into its text, at most to
    /// its end. Never decreasing.
    Position out(Position in) const;
    /// The receiver has everything before `out`: so far the sender's bytes have arrived.
    Position arrived(Position out) const;
    /// The first of the sender's bytes that begins at `out` or later.
    Position begins(Position out) const;

    /// Appends what the receiver gets for the sender's `bytes` at `begin`: it stands at out(begin) and ends
    /// at out(begin + bytes.size()).
    void write(Position begin, std::string_view bytes, std::string& to) const;

    std::int64_t base() const { return base_; }
    const std::vector<Edit>& edits() const { return edits_; }
    void set_base(std::int64_t base) { base_ = base; }

  private:
    std::int64_t base_ = 0;  ///< of everything before the first edit
    std::vector<Edit> edits_;
};

}  // namespace sipalg::tcp
