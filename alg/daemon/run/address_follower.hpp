// Keeps calls and bindings at addresses that the router has (C11).
//
// Theory of operation. Two things change addresses: the kernel, when an uplink gets another one, and the
// owner, who writes another --external-address and sends SIGHUP. In both cases what stands at an old address
// moves to its successor in one kernel transaction. The kernel can refuse it; then nothing has moved, and the
// follower tries again. Messages name a new external address only after that transaction: until then the one
// in force stays.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "alg/base/time.hpp"
#include "alg/daemon/run/address_tracker.hpp"

namespace sipalg::daemon {

/// What the follower reads and changes: the daemon, or a fake in tests.
class AddressUser {
  public:
    virtual ~AddressUser() = default;
    /// The outside interfaces with their addresses, --external-address applied.
    virtual const std::vector<EgressChooser::End>& ends() = 0;
    /// From now on ends() has these external addresses.
    virtual void set_external(const std::vector<Address>& external) = 0;
    /// The addresses at which calls, bindings and mappings stand.
    virtual std::vector<Egress> used() = 0;
    /// Moves them. False: the kernel refused, and nothing has moved.
    virtual bool renumber(std::span<const AddressChange> moves, Time now) = 0;
    /// ends() may have changed.
    virtual void ends_changed() = 0;
};

class AddressFollower {
  public:
    /// The wait after a refusal.
    static constexpr Time pause{1'000};

    /// `external`: the --external-address options in force. `user` must outlive this object.
    AddressFollower(AddressUser& user, std::vector<Address> external)
        : user_(user), external_(std::move(external)) {}

    /// The addresses of the interfaces may have changed.
    void follow(Time now);
    /// The owner wants other external addresses.
    void set_external(const std::vector<Address>& external, Time now);
    /// Tries again what was refused, when it is due. Returns when that will be; nullopt: nothing was refused.
    std::optional<Time> advance(Time now);

  private:
    bool move(Time now);
    void apply_external(Time now);

    AddressUser& user_;
    AddressTracker tracker_;
    std::vector<Address> external_;               ///< in force
    std::optional<std::vector<Address>> wanted_;  ///< external addresses that are not in force yet
    std::optional<Time> retry_at_;                ///< something was refused
};

}  // namespace sipalg::daemon
