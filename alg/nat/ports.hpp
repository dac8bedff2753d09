// The ports that may be mapped, and the choice of public ports.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "alg/net/address.hpp"
#include "alg/net/port_range.hpp"

namespace sipalg::nat {

/// X2: ports that are never mapped or opened, inside or outside: privileged ports, and services above 1023
/// that NAT slipstreaming and similar attacks aim at.
bool is_forbidden_port(std::uint16_t port);

/// Chooses public ports. The choice is deterministic, because the core has no random numbers: a cursor moves
/// through the range.
class Ports {
  public:
    /// `media`: the range for ports that are chosen in place of others; its `low` is even. `ours`: the only
    /// ports that reach this router, which replace it; empty: all do.
    explicit Ports(PortRange media, std::vector<PortRange> ours = {});

    /// `wanted` if it is free and reaches this router, else an even port from the range. `run` consecutive
    /// ports, beginning with the result, must be free: RTP has an even port and RTCP the next one (A3, RFC
    /// 4787 REQ-4), and "port/count" needs more. nullopt: no port is left.
    std::optional<std::uint16_t> choose(std::uint16_t wanted, unsigned run,
                                        const std::function<bool(std::uint16_t)>& is_free);

    /// Whether it may be chosen in place of another one.
    bool in_range(std::uint16_t port) const { return range_.contains(port) && reaches_us(port); }

  private:
    bool reaches_us(std::uint16_t port) const { return ours_.empty() || is_in(ours_, port); }

    std::vector<PortRange> ours_;
    PortRange range_;  ///< `low` is even; with `ours_`, it also has ports between them
    std::uint16_t cursor_;
};

}  // namespace sipalg::nat
