// The owner's port forwards: ports that are not given to another host (X12).
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "alg/kernel/port_forward.hpp"

namespace sipalg::nat {

/// Facts from the owner's ruleset, so nothing is staged.
class PortForwards {
  public:
    void set(std::vector<PortForward> forwards);
    const std::vector<PortForward>& all() const { return all_; }

    /// X12: the public port that the owner forwards to exactly this inside socket; nullopt: none.
    std::optional<std::uint16_t> port_of(const Socket& inside, const Address& outside) const;
    /// X12: whether the owner forwards the public socket to another host or port. Forwards to `inside` do not
    /// count. Forwards to the ports after it do not count either, if the `run` ports from the public port
    /// `first` on are forwarded in order.
    bool is_others(const Socket& inside, const Socket& outside, std::uint16_t first, unsigned run) const;
    /// The number of these UDP ports that are not forwarded at any address.
    std::size_t left(std::uint16_t low, std::uint16_t high) const;

  private:
    std::vector<PortForward> all_;
    /// For each port, whether a forward covers it; empty without forwards. It speeds up the search for a free
    /// port, which tests thousands of ports.
    std::vector<bool> forwarded_;
};

}  // namespace sipalg::nat
