// The sockets of a media line: their transport, how many ports it takes, which ports mean none.
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

/// The line carries RTP, whose RTCP has a port of its own unless something else is said (RFC 3550 11).
inline bool is_rtp(const Media& media) {
    return media.proto.find("RTP") != std::string_view::npos;
}

/// A port that names no socket: 0 (rejected, or not used), 9 (discard: TCP active side, trickled ICE).
constexpr bool is_no_port(std::uint16_t port) {
    return port == 0 || port == 9;
}

/// The distance between the ports of "port/count" (RFC 8866 5.14): RTP takes pairs.
inline std::uint16_t port_stride(const Media& media) {
    return is_rtp(media) ? 2 : 1;
}
/// More ports than that in one line are not mapped.
inline constexpr std::uint16_t max_port_count = 8;

}  // namespace sipalg::sdp
