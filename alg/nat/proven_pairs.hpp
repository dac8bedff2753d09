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

// Theory of operation. The daemon reads packets from inside before the router's own checks: the router may
// still drop them, and their source may be forged. So nothing is opened for a pair of phone and peer until a
// packet of the peer has reached the phone on a connection that conntrack has seen in both directions. Such a
// packet proves the pair for proof_time. A registration, or a call that the peer has answered, keeps the pair
// proven until it ends.

/// The proven pairs. Bounded (X7): at a limit the oldest pair without a registration or call is removed, of
/// the phone's own host, or else of the host with the most pairs. New calls of the removed pair wait for
/// their first response. Changes are staged (law 4), so that a packet whose changes the kernel refuses proves
/// nothing.
class ProvenPairs {
  public:
    ProvenPairs(const Policy& policy, Hosts& hosts) : policy_(policy), hosts_(hosts) {}

    /// Whether pinholes may be opened for the pair. A peer that the owner allows is always proven.
    bool is_proven(const PhonePeer& pair, Time now) const;
    /// Notes that the peer has answered the phone at `at`. True: the pair was not proven before.
    bool note(const PhonePeer& pair, Time at, Time now);
    bool note(const PhonePeer& pair, Time now) { return note(pair, now, now); }
    /// Adds and removes a registration or call that keeps the pair proven.
    void acquire(const PhonePeer& pair);
    void release(const PhonePeer& pair);

    void expire(Time now);
    /// nullopt: no proof will expire.
    std::optional<Time> next_deadline() const { return next_; }
    std::size_t size() const { return entries_.size(); }
    /// For tests: how many registrations and calls keep the pair proven.
    std::uint32_t holders(const PhonePeer& pair) const {
        const auto found = entries_.find(pair);
        return found == entries_.end() ? 0 : found->second.holders;
    }
    /// Pairs that are proven by packets alone, which the limits count.
    std::size_t unheld() const { return unheld_.size(); }
    /// The pairs of the host with the most.
    std::size_t largest_share() const { return unheld_.largest(); }

    void commit() {
        held_.clear();
        noted_.clear();
    }
    void cancel();
    /// See State::shrink().
    void shrink() {
        entries_.rehash(0);
        unheld_.shrink();
    }

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
    std::vector<std::pair<PhonePeer, int>> held_;  ///< changes of `holders` since the last commit()
    std::vector<PhonePeer> noted_;                 ///< pairs proven by a packet since then
    std::optional<Time> next_;                     ///< when to look for expired proofs
};

}  // namespace sipalg::nat
