// Mappings of the owner's own NAT: flows that conntrack translates without the ALG.
#pragma once

#include <cstddef>
#include <cstdint>
#include <unordered_map>

#include "alg/kernel/element.hpp"
#include "alg/nat/mapping_key.hpp"
#include "alg/net/address.hpp"

namespace sipalg::nat {

/// Which inside socket has which public one, as of the last conntrack scan. These are facts, so nothing is
/// staged. Bounded (X7): beyond `most` public sockets, or `most_of_a_host` of one inside host, further ones
/// are ignored.
class ExistingNat {
  public:
    static constexpr std::size_t most = 8192, most_of_a_host = 1024;

    /// Begins a scan. Mappings that it does not report are forgotten when it ends.
    void begin() { ++scan_; }
    /// Reports a translated flow that is not the ALG's. `by_phone`: the inside began it, so it is not a port
    /// forwarding; `signalling`: its other end is a SIP port.
    void note(const Mapping& mapping, bool by_phone, bool signalling);
    void end();

    struct Way {
        std::uint16_t port = 0;  ///< public
        bool by_phone = false;
        bool signalling = false;
        std::uint32_t scan = 0;
    };
    /// The public port of an inside socket; nullptr: none. If NAT gives it several ports towards several
    /// peers, the one that signalling uses counts.
    const Way* find(const MappingKey& key) const;

    /// The inside endpoint of a public socket, whose address is that of the outside interface; nullptr: none.
    const Endpoint* find_public(const Socket& socket) const;

    bool empty() const { return inside_.empty(); }

  private:
    struct Inside {
        Endpoint endpoint;
        std::uint32_t scan = 0;
    };
    std::unordered_map<MappingKey, Way, MappingKeyHash> ways_;
    std::unordered_map<Socket, Inside> inside_;
    std::unordered_map<Address, std::size_t> of_host_;  ///< how many of inside_
    std::uint32_t scan_ = 0;
};

}  // namespace sipalg::nat
