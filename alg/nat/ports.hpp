// The ports that may be mapped, and the choice of public ports.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "alg/net/address.hpp"

namespace sipalg::nat {

/// X2: ports that are never mapped or opened, inside or outside: privileged ports, and services above 1023
/// that NAT slipstreaming and similar attacks aim at.
bool is_forbidden_port(std::uint16_t port);

/// Chooses public ports. The choice is deterministic, because the core has no random numbers: a cursor moves
/// through the range.
class Ports {
  public:
    /// `low` even, low < high.
    Ports(std::uint16_t low, std::uint16_t high) : low_(low), high_(high), cursor_(low) {}

    /// `wanted` if it is free, else an even port from the range. `run` consecutive ports, beginning with the
    /// result, must be free: RTP has an even port and RTCP the next one (A3, RFC 4787 REQ-4), and
    /// "port/count" needs more. nullopt: no port is left.
    std::optional<std::uint16_t> choose(std::uint16_t wanted, unsigned run,
                                        const std::function<bool(std::uint16_t)>& is_free);

    bool in_range(std::uint16_t port) const { return port >= low_ && port <= high_; }

  private:
    std::uint16_t low_, high_, cursor_;
};

}  // namespace sipalg::nat
