// The new address of calls and bindings when the router's addresses change (C11).
#pragma once

#include <span>
#include <string>
#include <vector>

#include "alg/daemon/run/egress.hpp"
#include "alg/policy/policy.hpp"

namespace sipalg::daemon {

/// Remembers the addresses of outside interfaces. An interface that is down, gone or without an address
/// causes no move: if it comes back with the same address, nothing has changed (flap, DHCP renewal).
class AddressTracker {
  public:
    /// Sets the present outside interfaces.
    void see(const std::vector<EgressChooser::End>& ends);
    /// The moves after which the addresses in `used` are present addresses of outside interfaces, with their
    /// advertised addresses. An address moves to the new address of its interface, or from the only outside
    /// interface to the one that has replaced it. An address that only a previous run knew moves to the only
    /// interface, or to the only one that is not in use. All others stay.
    std::vector<AddressChange> moves(std::span<const Egress> used) const;

  private:
    struct Seen {
        std::string interface;
        Address address;
        bool alone = false;  ///< its interface was the only outside one
    };
    const Egress* successor(const Address& address, std::span<const Egress> used) const;

    std::vector<EgressChooser::End> ends_;
    std::vector<Seen> seen_;  ///< oldest first, each address at most once
};

}  // namespace sipalg::daemon
