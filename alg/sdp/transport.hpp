// The sockets of a media line: their transport, the number of ports, and port numbers that mean "none".
#pragma once

#include <string_view>

#include "alg/net/address.hpp"
#include "alg/sdp/description.hpp"
#include "alg/sip/text.hpp"

namespace sipalg::sdp {

/// The transport of a media line's packets: TCP for "TCP/…", UDP for everything else.
/// Unknown protocols count as UDP (D4).
inline Transport transport_of(const Media& media) {
    return text::starts_with(media.proto, "tcp") ? Transport::tcp : Transport::udp;
}

/// Whether the line is RTP, whose RTCP has the next port by default (RFC 3550 11).
inline bool is_rtp(const Media& media) {
    for (std::string_view rest = media.proto; rest.size() >= 3; rest.remove_prefix(1))
        if (text::starts_with(rest, "rtp")) return true;
    return false;
}

/// Whether a port means that there is no socket: 0 (rejected, or not used) or 9 (discard: active side of TCP,
/// trickle ICE).
constexpr bool is_no_port(std::uint16_t port) {
    return port == 0 || port == 9;
}

/// The distance between the ports of "port/count" (RFC 8866 5.14): 2 for RTP, which uses pairs.
inline std::uint16_t port_stride(const Media& media) {
    return is_rtp(media) ? 2 : 1;
}
/// The limit for the ports of one line; a line with more is not mapped.
inline constexpr std::uint16_t max_port_count = 8;

}  // namespace sipalg::sdp
