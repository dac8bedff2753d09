// Where things that stand at an address of the router have to go when the addresses change (C11).
#pragma once

#include <span>
#include <string>
#include <vector>

#include "alg/daemon/run/egress.hpp"
#include "alg/policy/policy.hpp"

namespace sipalg::daemon {

/// Remembers which outside interface had which address. An interface without an address, down or gone, moves
/// nothing: when it comes back with the same one, nothing has changed (flap, DHCP renewal).
class AddressTracker {
  public:
    /// The outside interfaces as they are now.
    void see(const std::vector<EgressChooser::End>& ends);
    /// What must move so that nothing of `used` stands at an address that no outside interface has, or is
    /// told by an advertised address that is not its own. An address goes where its interface went: to that
    /// interface's new address, or from the only outside interface to the only one that has taken its place.
    /// One of an earlier daemon goes to the only interface there is, or the only one that nothing stands at.
    /// Others stay.
    std::vector<AddressChange> moves(std::span<const Egress> used) const;

  private:
    struct Known {
        std::string interface;
        Address address;
        bool alone = false;  ///< it was the only outside interface
    };
    const Egress* successor(const Address& address, std::span<const Egress> used) const;

    std::vector<EgressChooser::End> ends_;
    std::vector<Known> known_;  ///< oldest first, each address at most once
};

}  // namespace sipalg::daemon
