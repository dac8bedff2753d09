#include "alg/policy/reason.hpp"

#include <algorithm>
#include <array>

#include "alg/base/enum_rows.hpp"

namespace sipalg {

namespace {

struct Row {
    Reason reason;
    std::string_view word;
    std::string_view sentence;
};

constexpr std::array rows{
    Row{Reason::rewritten, "rewritten", "addresses of the phone or the router were changed"},
    Row{Reason::unchanged, "unchanged", "SIP that needed no change"},
    Row{Reason::keep_alive, "keep_alive", "a keep-alive (line ends or no bytes at all)"},
    Row{Reason::stun, "stun", "STUN on a SIP port"},
    Row{Reason::tls, "tls", "TLS or DTLS on a SIP port"},
    Row{Reason::media, "media", "RTP or RTCP on a SIP port"},
    Row{Reason::http, "http", "HTTP on a SIP port"},
    Row{Reason::not_sip, "not_sip", "other bytes on a SIP port"},
    Row{Reason::malformed, "malformed", "SIP that violates the grammar; it opens nothing"},
    Row{Reason::truncated, "truncated", "Content-Length exceeds the datagram"},
    Row{Reason::too_many_headers, "too_many_headers", "more known headers than allowed"},
    Row{Reason::unreadable_packet, "unreadable_packet", "not a complete IP packet, or a wrong checksum"},
    Row{Reason::segment, "segment", "a TCP segment with no message, or a part of one"},
    Row{Reason::unread_stream, "unread_stream", "a TCP connection that is not read"},
    Row{Reason::oversize, "oversize", "a message over TCP that is too long"},
    Row{Reason::let_through, "let_through", "an incomplete message over TCP, forwarded unmodified"},
    Row{Reason::stream_lost, "stream_lost", "bytes of a TCP connection passed without being read"},
    Row{Reason::no_address, "no_address", "the outside interface has no address that messages could name"},
    Row{Reason::limit_reached, "limit_reached",
        "a table is full, or an identifier too long; nothing new is opened"},
    Row{Reason::kernel_refused, "kernel_refused",
        "the kernel refused the transaction; the original bytes pass"},
    Row{Reason::too_long, "too_long", "the changed message would not fit into a packet"},
    Row{Reason::would_rewrite, "would_rewrite", "addresses would have been changed, but the mode is observe"},
    Row{Reason::switched_off, "switched_off", "the mode for this phone and peer is off"},
};

static_assert(is_in_order(rows, &Row::reason));
static_assert(std::none_of(rows.begin(), rows.end(), [](const Row& row) { return row.word.empty(); }));

}  // namespace

std::string_view word(Reason reason) {
    return rows[static_cast<std::size_t>(reason)].word;
}
std::string_view sentence(Reason reason) {
    return rows[static_cast<std::size_t>(reason)].sentence;
}

}  // namespace sipalg
