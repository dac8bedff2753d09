// Edits of a message: planned on its const bytes, applied once (law 3).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "alg/address.hpp"

namespace sipalg::rewrite {

/// Where in a message an edit stands; the name of the rule that asks for it is told by rule().
enum class Place : std::uint8_t {
    request_uri,
    via_sent_by,
    via_received,
    via_rport,
    contact,
    route,
    record_route,
    path,
    identity,  ///< From, To, Refer-To, Referred-By, P-Asserted-Identity, Reply-To
    sdp_origin,
    sdp_connection,
    sdp_port,
    sdp_rtcp,
    content_length,
};
/// The rule of the specification that an edit at `place` follows: "S3", "D1", …
std::string_view rule(Place place);

/// One replacement: `length` bytes at `offset` of the message become `text`.
struct Edit {
    std::uint32_t offset = 0;
    std::uint32_t length = 0;
    std::uint32_t text_offset = 0;  ///< into the edits' own text
    std::uint32_t text_length = 0;
    Place place = Place::contact;
};

/// The edits of one message. Buffers are kept from message to message, so that none is allocated per header.
class Edits {
  public:
    /// Begins anew, on `bytes`, which must stay until apply().
    void start(std::string_view bytes);
    /// Plans `target`, a view into the bytes of start(), to become `text`. Equal text plans nothing. Targets
    /// must not overlap.
    void replace(std::string_view target, std::string_view text, Place place);

    bool empty() const { return edits_.empty(); }
    std::span<const Edit> planned() const { return edits_; }
    std::string_view text(const Edit& edit) const {
        return std::string_view(texts_).substr(edit.text_offset, edit.text_length);
    }
    /// How much longer (or, negative, shorter) the planned edits from `first` on make the message.
    std::ptrdiff_t growth(std::size_t first = 0) const;
    /// Writes the changed message over `out`.
    void apply(std::string& out);

  private:
    std::string_view bytes_;
    std::string texts_;
    std::vector<Edit> edits_;
};

/// Appends the text of an address without allocating for IPv4.
void append(std::string& out, const Address& address);
void append(std::string& out, std::uint64_t number);

}  // namespace sipalg::rewrite
