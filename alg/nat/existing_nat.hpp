// What the owner's own NAT maps: flows that conntrack carries without us, from before we came or beside us.
#pragma once

#include <cstddef>
#include <cstdint>
#include <unordered_map>

#include "alg/kernel/element.hpp"
#include "alg/nat/mapping_key.hpp"
#include "alg/net/address.hpp"

namespace sipalg::nat {

/// Which inside socket has which public one, as of the last sweep of conntrack. Facts, not decisions: nothing
/// here is staged. Bounded (X7): beyond `most` public sockets, or `most_of_a_host` of one inside host,
/// further ones are not known.
class ExistingNat {
  public:
    static constexpr std::size_t most = 8192, most_of_a_host = 1024;

    /// A sweep begins; what it has not seen when it ends is gone.
    void begin() { ++sweep_; }
    /// A NATed flow that is none of ours. `by_phone`: the inside began it, so it is no port forwarding;
    /// `signalling`: its other end is a SIP port.
    void seen(const Mapping& mapping, bool by_phone, bool signalling);
    void end();

    struct Way {
        std::uint16_t port = 0;  ///< public
        bool by_phone = false;
        bool signalling = false;
        std::uint32_t sweep = 0;
    };
    /// How an inside socket is seen from outside. Where NAT shows it to several peers under several ports,
    /// the one that signalling uses counts.
    const Way* find(const MappingKey& key) const;

    /// Who is behind a public socket, given with the address of the outside interface.
    const Endpoint* find_public(const Socket& socket) const;

    bool empty() const { return inside_.empty(); }

  private:
    struct Inside {
        Endpoint endpoint;
        std::uint32_t sweep = 0;
    };
    std::unordered_map<MappingKey, Way, MappingKeyHash> ways_;
    std::unordered_map<Socket, Inside> inside_;
    std::unordered_map<Address, std::size_t> of_host_;  ///< how many of inside_
    std::uint32_t sweep_ = 0;
};

}  // namespace sipalg::nat
