// Which peers have answered which phones (X11).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "alg/base/host_queues.hpp"
#include "alg/base/hosts.hpp"
#include "alg/base/time.hpp"
#include "alg/nat/phone_peer.hpp"
#include "alg/policy/policy.hpp"

namespace sipalg::nat {

// Theory of operation. What the daemon reads from inside has not been allowed yet: it stands before the
// router's own checks, and the source may be forged. So nothing is opened for a pair of phone and peer until
// a packet of the peer has reached the phone on a connection that conntrack saw in both directions. That is a
// proof for proof_time; a registration, or a call that the peer has answered, holds it for as long as it
// lives.

/// The proven pairs. Bounded (X7): beyond the limits the oldest pair without a holder goes, of the phone's
/// own host or of the host that has most; calls of that pair then wait for their first response. Changes are
/// staged (law 4), so that a packet whose changes the kernel refuses has proven nothing.
class ProvenPairs {
  public:
    ProvenPairs(const Policy& policy, Hosts& hosts) : policy_(policy), hosts_(hosts) {}

    /// Something may be opened for the two. A peer that the owner allows is always proven.
    bool is_proven(const PhonePeer& pair, Time now) const;
    /// The peer has answered the phone at `at`. True: the pair was not proven before.
    bool note(const PhonePeer& pair, Time at, Time now);
    bool note(const PhonePeer& pair, Time now) { return note(pair, now, now); }
    /// One more registration or call that keeps the pair proven, and one less.
    void hold(const PhonePeer& pair);
    void release(const PhonePeer& pair);

    void expire(Time now);
    /// nullopt: nothing is to be forgotten.
    std::optional<Time> next_deadline() const { return next_; }
    std::size_t size() const { return entries_.size(); }
    /// For tests: how many registrations and calls keep the pair proven.
    std::uint32_t holders(const PhonePeer& pair) const {
        const auto found = entries_.find(pair);
        return found == entries_.end() ? 0 : found->second.holders;
    }
    /// Pairs that packets alone have proven: the limits are about these.
    std::size_t unheld() const { return unheld_.size(); }
    /// Those of the host that has most.
    std::size_t largest_share() const { return unheld_.largest(); }

    void commit() {
        held_.clear();
        noted_.clear();
    }
    void cancel();

  private:
    struct Entry {
        Time until{0};  ///< by the latest packet
        std::uint32_t holders = 0;
    };
    using Entries = std::unordered_map<PhonePeer, Entry, PhonePeerHash>;

    void add_holders(const PhonePeer& pair, int number);
    void make_room(const Address& phone);

    const Policy& policy_;
    Hosts& hosts_;
    Entries entries_;
    HostQueues<PhonePeer, PhonePeerHash> unheld_;  ///< by host of the phone
    std::vector<std::pair<PhonePeer, int>> held_;  ///< changes of holders since the last commit()
    std::vector<PhonePeer> noted_;                 ///< pairs proven by a packet since then
    std::optional<Time> next_;                     ///< when to look for pairs that are proven no longer
};

}  // namespace sipalg::nat
