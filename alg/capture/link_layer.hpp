// The IP packet in a captured frame.
#pragma once

#include <cstdint>
#include <string_view>

#include "alg/net/packet.hpp"

namespace sipalg::capture {

/// The IP packet in a frame, or the reason why there is none.
struct LinkPayload {
    Bytes packet;            ///< IPv4 or IPv6, up to the end of the frame; empty: see `fault`
    std::string_view fault;  ///< the reason why `packet` is empty; no reason: the frame is not IP
};

/// Strips the link layer: Ethernet with VLAN tags and PPPoE, Linux cooked v1 and v2, raw IP, BSD loopback.
/// `link_type`: LINKTYPE_* of <https://www.tcpdump.org/linktypes.html>.
LinkPayload strip_link_layer(std::uint32_t link_type, Bytes frame);

}  // namespace sipalg::capture
