// Which ports may be mapped or used in public.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "alg/net/address.hpp"

namespace sipalg::nat {

/// X2: ports that are never mapped or opened, inside or outside: privileged ports, and services above 1023
/// that NAT slipstreaming and similar attacks aim at.
bool is_forbidden_port(std::uint16_t port);

/// Chooses public ports. Deterministic: the core has no randomness; a cursor walks through the range.
class Ports {
  public:
    /// `low` even, low < high.
    Ports(std::uint16_t low, std::uint16_t high) : low_(low), high_(high), cursor_(low) {}

    /// `wanted` if it is free, else an even port from the range. `run` consecutive ports from it on, at least
    /// one, must be free (RTP even, RTCP next odd: A3, RFC 4787 REQ-4; "port/count" needs more). nullopt: no
    /// port is left.
    std::optional<std::uint16_t> choose(std::uint16_t wanted, unsigned run,
                                        const std::function<bool(std::uint16_t)>& is_free);

    bool in_range(std::uint16_t port) const { return port >= low_ && port <= high_; }

  private:
    std::uint16_t low_, high_, cursor_;
};

}  // namespace sipalg::nat
