// The reason for each verdict. Its word is also the counter's name, the word in the log and a row of
// sipalgd(8).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sipalg {

enum class Reason : std::uint8_t {
    rewritten,          ///< addresses were changed
    unchanged,          ///< SIP that needed no change
    keep_alive,         ///< CRLF or empty datagram
    stun,               ///< STUN on a SIP port
    tls,                ///< TLS or DTLS on a SIP port
    media,              ///< RTP or RTCP on a SIP port
    http,               ///< HTTP on a SIP port
    not_sip,            ///< anything else that is not SIP
    malformed,          ///< SIP that violates the grammar: opens nothing
    truncated,          ///< Content-Length beyond the datagram
    too_many_headers,   ///< more known headers than allowed
    unreadable_packet,  ///< not a complete IP packet, or a wrong checksum
    segment,            ///< TCP: part of a message, or no message
    unread_stream,      ///< TCP: a connection that is not read (T4)
    oversize,           ///< TCP: a message longer than the limit; its body passes unmodified
    let_through,        ///< TCP: an incomplete message, forwarded unmodified
    stream_lost,        ///< TCP: bytes passed without being read; the connection is no longer read, or reset
    no_address,         ///< the outgoing interface has no usable address
    limit_reached,      ///< a table is full or an identifier too long: passes, but opens nothing (X7)
    kernel_refused,     ///< the kernel refused the transaction: the original bytes pass
    too_long,           ///< the changed message does not fit into a packet: the original bytes pass
    would_rewrite,      ///< mode `observe`: addresses would have been changed
    switched_off,       ///< mode `off`: not read
    count_
};

inline constexpr std::size_t reason_count = static_cast<std::size_t>(Reason::count_);
/// The word, e.g. "kernel_refused".
std::string_view word(Reason reason);
/// One sentence for people.
std::string_view sentence(Reason reason);

}  // namespace sipalg
