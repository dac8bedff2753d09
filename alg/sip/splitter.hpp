// Finds the end of a message in a stream, and recognises bytes that are not SIP.
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
    http,        ///< an HTTP request or response (as in NAT slipstreaming)
    garbage,     ///< anything else, and SIP whose head exceeds the limits
    oversize,    ///< stream only: SIP of `length` bytes, which is more than max_message
};

struct Piece {
    Kind kind = Kind::garbage;
    /// The length of the piece in bytes; 0 for need_more. It may exceed the bytes of an oversize message that
    /// have arrived. A piece of kind tls, http or garbage has all bytes, because nothing can follow it.
    std::size_t length = 0;
    /// need_more: with fewer bytes than this, the result is the same.
    std::size_t wanted = 0;
    /// need_more: the argument `seen` of the next call for the same piece.
    std::size_t seen = 0;
};

/// A stream whose head is longer is garbage.
inline constexpr std::size_t max_head = 65536;
/// A longer message in a stream is oversize. A body of 64 KiB and a head of 16 KiB fit (T1).
inline constexpr std::size_t max_message = 65536 + 16384;
/// A stream whose first line is longer is garbage.
inline constexpr std::size_t max_start_line = 8192;

/// Classifies a datagram by its first line. `message` means that it claims to be SIP; Message::parse() then
/// tells whether it can be used.
Kind classify_datagram(std::string_view datagram);
/// Finds the first piece of a stream, of which `bytes` is the beginning. A message in a stream needs a
/// Content-Length (RFC 3261 18.3); without one its body is empty. A message that cannot be framed (a
/// Content-Length that is not a number, or two different ones) is garbage; other faults are left to
/// Message::parse(). The caller should wait for Piece::wanted bytes and pass Piece::seen of the previous
/// call, or 0 for a new piece. The search for the end of the head then continues where it stopped, so the
/// time is linear, however the stream is split.
Piece next_piece(std::string_view bytes, std::size_t seen = 0);

}  // namespace sipalg::sip
