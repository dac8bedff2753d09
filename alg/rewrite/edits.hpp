// The edits of a message: planned on its constant bytes, applied once (law 3).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "alg/net/address.hpp"
#include "alg/rewrite/place.hpp"

namespace sipalg::rewrite {

/// Replaces `length` bytes at `offset` of the message by `text`.
struct Edit {
    std::uint32_t offset = 0;
    std::uint32_t length = 0;
    std::uint32_t text_offset = 0;  ///< into the edits' own text
    std::uint32_t text_length = 0;
    Place place = Place::contact;
};

/// An address that was examined and kept. The offset is that of an edit.
struct Note {
    std::uint32_t offset = 0;
    std::uint32_t length = 0;
    Place place = Place::contact;
    Kept kept = Kept::foreign;
};

/// The edits of one message. Buffers are reused for the next message, so that edits need no allocation.
class Edits {
  public:
    /// Starts a new message. `bytes` must stay valid until apply().
    void start(std::string_view bytes);
    /// Plans to replace `target`, a view into the bytes of start(), by `text`. Equal text needs no edit.
    /// Targets must not overlap.
    void replace(std::string_view target, std::string_view text, Place place);
    /// The same for an address, a port or a length.
    void replace(std::string_view target, const Address& address, Place place);
    void replace_number(std::string_view target, std::uint64_t number, Place place);
    /// Notes why `target` is kept, if explanations are enabled.
    void keep(std::string_view target, Place place, Kept kept) {
        if (explaining_) note(target, place, kept);
    }
    /// Removes the edits from `first` on and notes the reason in their place. True: there were such edits.
    bool discard(std::size_t first, Kept kept);
    /// Enables the notes of keep(). Off by default; start() does not reset it.
    void explain(bool on) { explaining_ = on; }
    bool explaining() const { return explaining_; }

    bool empty() const { return edits_.empty(); }
    /// Sorts the edits by their place in the message.
    void sort();
    std::span<const Edit> planned() const { return edits_; }
    std::span<const Note> notes() const { return notes_; }
    std::string_view text(const Edit& edit) const {
        return std::string_view(texts_).substr(edit.text_offset, edit.text_length);
    }
    /// The number of bytes by which the planned edits from `first` on make the message longer; negative:
    /// shorter.
    std::ptrdiff_t growth(std::size_t first = 0) const;
    /// Writes the changed message to `out`, whose content is replaced.
    void apply(std::string& out);

  private:
    void plan(std::string_view target, std::size_t text_offset, std::size_t text_length, Place place);
    void note(std::string_view target, Place place, Kept kept);

    std::string_view bytes_;
    std::string texts_;
    std::vector<Edit> edits_;
    std::vector<Note> notes_;
    /// The last address, with its text at written_offset_ of texts_: messages often repeat an address.
    Address written_;
    std::size_t written_offset_ = 0, written_length_ = 0;
    bool explaining_ = false;
};

}  // namespace sipalg::rewrite
