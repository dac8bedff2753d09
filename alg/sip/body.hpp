// The session descriptions in a message's body: the body itself, or parts of a multipart (RFC 2046, RFC
// 5621).
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "alg/base/inline_table.hpp"
#include "alg/sip/message.hpp"

namespace sipalg::sip {

/// One application/sdp body. Views into the message.
struct SdpBody {
    std::string_view text;  ///< the description itself
    /// the digits of the part's own Content-Length, if it has one; never those of the message
    std::optional<std::string_view> content_length;
};

/// The descriptions of a body, and whether its bytes may be changed (S5).
struct Bodies {
    static constexpr std::size_t max_sdp = 8;  ///< further ones are ignored
    InlineTable<SdpBody, max_sdp> sdp;
    bool sealed = false;  ///< signed, encrypted, encoded or auth-int: read, but never changed
};

/// Finds the descriptions: application/sdp (any case, with parameters), also as parts of a multipart of any
/// type except encrypted, nested once. Without a Content-Type, or with a missing or wrong boundary, there are
/// none. Parts that are encrypted, content-encoded, base64 or quoted-printable are skipped. Parts of
/// multipart/signed are found, and set `sealed`. Linear time, no allocation.
Bodies find_sdp(const Message& message);

}  // namespace sipalg::sip
