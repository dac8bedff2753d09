// Which inside addresses belong to one host, and which of them are proven (X7).
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <unordered_map>

#include "alg/base/deadline_queue.hpp"
#include "alg/base/host_queues.hpp"
#include "alg/base/time.hpp"
#include "alg/net/address.hpp"

namespace sipalg {

/// A machine can have any number of IPv6 addresses, so limits for one phone count link-layer neighbours. All
/// phones behind an inside router are one neighbour, so each proven phone (X11) has a guaranteed part.
/// Nothing is staged, because the origin of a packet is a fact.
class Hosts {
  public:
    /// At this limit the oldest address of the neighbour with the most addresses is removed, and is then
    /// counted on its own.
    static constexpr std::size_t most = 8192;

    /// A neighbour is remembered for at least half of this time after the latest packet, and not longer than
    /// this.
    static constexpr Time kept = std::chrono::hours(1);

    /// Notes that a packet of `phone` came from this neighbour. `neighbour`: an opaque id, never the address
    /// of a phone; empty: not known.
    void note(const Address& phone, const Address& neighbour, Time now) {
        if (!neighbour) return;
        const Address* known = neighbours_.host(phone);
        if (!known || *known != neighbour) {
            if (known)
                neighbours_.remove(phone);
            else if (neighbours_.size() >= most)
                if (const auto oldest = neighbours_.oldest_of_largest()) forget(*oldest);
            neighbours_.add(phone, neighbour);
        }
        // In steps, so that most packets leave it as it is.
        constexpr Time step = kept / 2;
        deadlines_.schedule(phone, (now / step + 2) * step);
        deadlines_.commit();
    }
    /// P5: forgets the neighbours of phones that have sent nothing for long.
    void expire(Time now) {
        while (const auto phone = deadlines_.take_due(now))
            neighbours_.remove(*phone);
        deadlines_.commit();
    }
    std::optional<Time> next_deadline() const { return deadlines_.next(); }
    /// Frees the room that former phones have left.
    void shrink() {
        neighbours_.shrink();
        deadlines_.shrink();
        proofs_.rehash(0);
    }
    /// The host that the phone is counted for: its neighbour, or if that is not known, the phone itself.
    Address of(const Address& phone) const {
        const Address* neighbour = neighbours_.host(phone);
        return neighbour ? *neighbour : phone;
    }

    /// Phones whose neighbour is known.
    std::size_t size() const { return neighbours_.size(); }

    /// Adds and removes a proven peer of the phone.
    void add_proof(const Address& phone) { ++proofs_[phone]; }
    void remove_proof(const Address& phone) {
        const auto found = proofs_.find(phone);
        if (found != proofs_.end() && --found->second == 0) proofs_.erase(found);
    }
    bool is_proven(const Address& phone) const { return proofs_.contains(phone); }

  private:
    void forget(const Address& phone) {
        neighbours_.remove(phone);
        deadlines_.erase(phone);
    }

    HostQueues<Address> neighbours_;
    DeadlineQueue<Address> deadlines_;  ///< of neighbours_
    std::unordered_map<Address, std::uint32_t> proofs_;
};

}  // namespace sipalg
