// Where a message ends in a stream of bytes, and whether bytes are SIP at all.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sipalg::sip {

/// The kind of a datagram, or of the piece at the front of a stream (S8).
enum class Kind : std::uint8_t {
    need_more,   ///< stream only: could still become a message
    message,     ///< SIP; `length` bytes of it
    keep_alive,  ///< line ends only (RFC 5626), or a datagram of 0 to 4 bytes
    stun,        ///< RFC 8489: magic cookie in place
    tls,         ///< TLS or DTLS record
    rtp,         ///< RTP or RTCP, version 2; datagrams only
    http,        ///< an HTTP request or response (slipstreaming comes this way)
    garbage,     ///< anything else, and SIP whose head alone is beyond the limits
    oversize,    ///< stream only: SIP of `length` bytes, which is more than max_message
};

struct Piece {
    Kind kind = Kind::garbage;
    /// Bytes from the front that this piece takes; for need_more: none. Of an oversize message not all have
    /// come. A stream that began with tls, http or garbage has no next piece: all bytes are taken.
    std::size_t length = 0;
    /// need_more: as long as there are fewer bytes than this, asking again gives the same answer.
    std::size_t wanted = 0;
    /// need_more: to be passed to the next call for the same front.
    std::size_t seen = 0;
};

/// A stream whose head is longer is garbage.
inline constexpr std::size_t max_head = 65536;
/// A longer message of a stream is oversize: a body of 64 KiB, and 16 KiB for its head, fit (T1).
inline constexpr std::size_t max_message = 65536 + 16384;
/// A stream whose first line is longer is garbage.
inline constexpr std::size_t max_start_line = 8192;

/// A whole datagram. Looks at the first line only: `message` means that it is meant as SIP, Message::parse()
/// says whether it can be used.
Kind classify_datagram(std::string_view datagram);
/// The front of a stream, which ends somewhere after `bytes`. A message in a stream needs a Content-Length
/// (RFC 3261 18.3); without one its body is empty. A message that cannot be framed (Content-Length that is no
/// number or has two values) is garbage; other faults are left to Message::parse().
/// A caller that waits for Piece::wanted bytes and passes Piece::seen of the call before (0 at a new front)
/// spends linear time however the stream is cut: the search for the head's end continues where it stopped.
Piece next_piece(std::string_view bytes, std::size_t seen = 0);

}  // namespace sipalg::sip
