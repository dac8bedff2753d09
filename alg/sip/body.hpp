// The session descriptions in a message's body: the body itself, or parts of a multipart (RFC 2046, RFC
// 5621).
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string_view>

#include "alg/sip/message.hpp"

namespace sipalg::sip {

/// One application/sdp body. Views into the message.
struct SdpBody {
    std::string_view text;  ///< the description itself
    /// the part's own Content-Length digits, if it has them; never that of the message
    std::optional<std::string_view> content_length;
};

/// The descriptions of a body, and whether its bytes may be changed at all (S5).
struct Bodies {
    static constexpr std::size_t max_sdp = 8;  ///< further ones are ignored
    std::array<SdpBody, max_sdp> sdp;
    std::size_t count = 0;
    bool sealed = false;  ///< signed, encrypted, Content-Encoding, or auth-int: read, never change
};

/// Finds the descriptions: application/sdp (any case, with parameters), multipart/mixed, /alternative,
/// /related and any other multipart but signed and encrypted, nested once. A missing or wrong boundary yields
/// none. No Content-Type yields none. Parts that are encrypted, content-encoded, base64 or quoted-printable
/// are passed over; those of multipart/signed are found, and seal. Linear, allocates nothing.
Bodies find_sdp(const Message& message);

}  // namespace sipalg::sip
