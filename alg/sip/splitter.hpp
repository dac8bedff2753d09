// Where a message ends in a stream of bytes, and whether bytes are SIP at all.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sipalg::sip {

/// What a datagram is, or what stands at the front of a stream (S8).
enum class Kind : std::uint8_t {
    need_more,   ///< stream only: could still become a message
    message,     ///< SIP; `length` bytes of it
    keep_alive,  ///< CRLF, CRLFCRLF (RFC 5626), 0 to 4 bytes of nothing
    stun,        ///< RFC 8489: magic cookie in place
    tls,         ///< TLS or DTLS record
    rtp,         ///< RTP or RTCP, version 2
    http,        ///< an HTTP request or response (slipstreaming comes this way)
    garbage,     ///< anything else, and SIP beyond the limits
};

struct Piece {
    Kind kind = Kind::garbage;
    std::size_t length = 0;  ///< bytes from the front that this piece takes; for need_more: none
};

inline constexpr std::size_t max_message = 65536;

/// A whole datagram.
Kind classify_datagram(std::string_view datagram);
/// The front of a stream, which ends somewhere after `bytes`. A message in a stream needs a Content-Length
/// (RFC 3261 18.3); without one its body is empty.
Piece next_piece(std::string_view bytes);

}  // namespace sipalg::sip
