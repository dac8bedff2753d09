// A port of the router that the owner's ruleset forwards by number (X12).
#pragma once

#include <cstdint>
#include <optional>

#include "alg/net/address.hpp"

namespace sipalg {

/// Packets to the public ports from `low` to `high` go to `to`. IPv4 only: IPv6 is not translated.
struct PortForward {
    std::optional<Transport> transport;  ///< nullopt: both
    std::uint16_t low = 0, high = 0;
    Address address;  ///< the public address; none: every one
    Address to;       ///< none: the router itself, or a destination that cannot be read
    /// Ports of the destination, from lowest to highest; 0: a packet keeps its port.
    std::uint16_t to_low = 0, to_high = 0;

    /// Whether packets to this public endpoint are forwarded.
    bool covers(const Socket& outside) const {
        return (!transport || *transport == outside.transport) && low <= outside.endpoint.port &&
               outside.endpoint.port <= high && (!address || address == outside.endpoint.address);
    }
    /// The destination of packets to a public port that this forward covers; nullopt: the rule does not
    /// determine one host and port. A port within the destination's range is kept (as nf_nat does); any other
    /// port may become any port of the range.
    std::optional<Endpoint> destination(std::uint16_t port) const {
        if (!to) return std::nullopt;
        if (to_low == 0 || (to_low <= port && port <= to_high)) return Endpoint{to, port};
        if (to_low == to_high) return Endpoint{to, to_low};
        return std::nullopt;
    }
    friend auto operator<=>(const PortForward&, const PortForward&) = default;
};

}  // namespace sipalg
