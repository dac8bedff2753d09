// Which inside addresses belong to one host, and which of them are proven (X7).
#pragma once

#include <cstddef>
#include <cstdint>
#include <unordered_map>

#include "alg/base/host_queues.hpp"
#include "alg/net/address.hpp"

namespace sipalg {

/// A machine has as many IPv6 addresses as it likes, so shares of limits count link-layer neighbours.
/// Behind an inside router all phones are one neighbour, so a proven phone (X11) has a guaranteed part of its
/// own. Nothing is staged: where a packet came from is a fact.
class Hosts {
  public:
    /// Beyond it the oldest address of the neighbour that has most is forgotten, and counts as itself.
    static constexpr std::size_t most = 8192;

    /// A packet of `phone` came from this neighbour: an opaque id that is no address of a phone. An empty
    /// one: not known.
    void note(const Address& phone, const Address& neighbour) {
        if (!neighbour) return;
        const Address* known = neighbours_.host(phone);
        if (known && *known == neighbour) return;
        if (known)
            neighbours_.remove(phone);
        else if (neighbours_.size() >= most)
            if (const auto oldest = neighbours_.oldest_of_largest()) neighbours_.remove(*oldest);
        neighbours_.add(phone, neighbour);
    }
    /// What the phone counts as: its neighbour, else itself.
    Address of(const Address& phone) const {
        const Address* neighbour = neighbours_.host(phone);
        return neighbour ? *neighbour : phone;
    }

    /// One more peer is proven for the phone, or one less.
    void add_proof(const Address& phone) { ++proofs_[phone]; }
    void remove_proof(const Address& phone) {
        const auto found = proofs_.find(phone);
        if (found != proofs_.end() && --found->second == 0) proofs_.erase(found);
    }
    bool is_proven(const Address& phone) const { return proofs_.contains(phone); }

  private:
    HostQueues<Address> neighbours_;
    std::unordered_map<Address, std::uint32_t> proofs_;
};

}  // namespace sipalg
