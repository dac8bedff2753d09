// Moves calls and bindings to the router's present addresses (C11).
//
// Theory of operation. An address changes when an uplink gets another one, or when the owner sets another
// --external-address and sends SIGHUP. In both cases all entries at the old address move to the new one in
// one kernel transaction. If the kernel refuses, nothing has moved, and the follower tries again. Messages
// name a new external address only after that transaction.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "alg/base/time.hpp"
#include "alg/daemon/run/address_tracker.hpp"

namespace sipalg::daemon {

/// The interface to the daemon, or to a fake in tests.
class AddressUser {
  public:
    virtual ~AddressUser() = default;
    /// The outside interfaces with their addresses, --external-address applied.
    virtual const std::vector<EgressChooser::End>& ends() = 0;
    /// Sets the external addresses of ends().
    virtual void set_external(const std::vector<Address>& external) = 0;
    /// The addresses that calls, bindings and mappings use.
    virtual std::vector<Egress> used() = 0;
    /// Moves them. False: the kernel refused, and nothing has moved.
    virtual bool renumber(std::span<const AddressChange> moves, Time now) = 0;
    /// Called when ends() may have changed.
    virtual void ends_changed() = 0;
};

class AddressFollower {
  public:
    /// The wait after a refusal.
    static constexpr Time pause{1'000};

    /// `external`: the --external-address options in force. `user` must outlive this object.
    AddressFollower(AddressUser& user, std::vector<Address> external)
        : user_(user), external_(std::move(external)) {}

    /// Call it when the addresses of the interfaces may have changed.
    void follow(Time now);
    /// Call it when the owner has set other external addresses.
    void set_external(const std::vector<Address>& external, Time now);
    /// Repeats a refused move when its time has come. Returns that time; nullopt: nothing was refused.
    std::optional<Time> advance(Time now);

  private:
    bool move(Time now);
    void apply_external(Time now);

    AddressUser& user_;
    AddressTracker tracker_;
    std::vector<Address> external_;               ///< in force
    std::optional<std::vector<Address>> wanted_;  ///< set by the owner, but not in force yet
    std::optional<Time> retry_at_;                ///< set if a move was refused
};

}  // namespace sipalg::daemon
