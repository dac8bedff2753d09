// Edits of a message: planned on its const bytes, applied once (law 3).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "alg/net/address.hpp"
#include "alg/rewrite/place.hpp"

namespace sipalg::rewrite {

/// One replacement: `length` bytes at `offset` of the message become `text`.
struct Edit {
    std::uint32_t offset = 0;
    std::uint32_t length = 0;
    std::uint32_t text_offset = 0;  ///< into the edits' own text
    std::uint32_t text_length = 0;
    Place place = Place::contact;
};

/// A place that was looked at and left as it is. Offsets like those of an edit.
struct Note {
    std::uint32_t offset = 0;
    std::uint32_t length = 0;
    Place place = Place::contact;
    Kept kept = Kept::foreign;
};

/// The edits of one message. Buffers are kept from message to message, so that none is allocated per header.
class Edits {
  public:
    /// Begins anew, on `bytes`, which must stay until apply().
    void start(std::string_view bytes);
    /// Plans `target`, a view into the bytes of start(), to become `text`. Equal text plans nothing. Targets
    /// must not overlap.
    void replace(std::string_view target, std::string_view text, Place place);
    /// The same with the text of an address, of a port or of a length.
    void replace(std::string_view target, const Address& address, Place place);
    void replace_number(std::string_view target, std::uint64_t number, Place place);
    /// Notes why `target` stays as it is, if explanations are wanted.
    void keep(std::string_view target, Place place, Kept kept) {
        if (explaining_) note(target, place, kept);
    }
    /// Takes back the edits from `first` on; they become notes that say why. True: there were some.
    bool discard(std::size_t first, Kept kept);
    /// Whether keep() notes anything. Off at first; lasts over start().
    void explain(bool on) { explaining_ = on; }
    bool explaining() const { return explaining_; }

    bool empty() const { return edits_.empty(); }
    /// Puts the edits into the order of the message.
    void sort();
    std::span<const Edit> planned() const { return edits_; }
    std::span<const Note> notes() const { return notes_; }
    std::string_view text(const Edit& edit) const {
        return std::string_view(texts_).substr(edit.text_offset, edit.text_length);
    }
    /// How much longer (or, negative, shorter) the planned edits from `first` on make the message.
    std::ptrdiff_t growth(std::size_t first = 0) const;
    /// Writes the changed message over `out`.
    void apply(std::string& out);

  private:
    void plan(std::string_view target, std::size_t text_offset, std::size_t text_length, Place place);
    void note(std::string_view target, Place place, Kept kept);

    std::string_view bytes_;
    std::string texts_;
    std::vector<Edit> edits_;
    std::vector<Note> notes_;
    Address written_;  ///< its text is at written_offset_ of texts_: a message names few addresses
    std::size_t written_offset_ = 0, written_length_ = 0;
    bool explaining_ = false;
};

}  // namespace sipalg::rewrite
