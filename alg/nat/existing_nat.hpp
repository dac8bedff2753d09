// Mappings of the owner's own NAT: flows that conntrack translates without the ALG.
#pragma once

#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <unordered_set>

#include "alg/kernel/element.hpp"
#include "alg/nat/mapping_key.hpp"
#include "alg/net/address.hpp"
#include "alg/policy/limits.hpp"

namespace sipalg::nat {

/// The public socket of each inside socket, as of the last conntrack scan and of single flows that were
/// noted since. Nothing is staged, because these are facts. The public sockets are limited (X7), in total and
/// of one inside address; further ones are ignored.
class ExistingNat {
  public:
    explicit ExistingNat(const Limits& limits) : limits_(limits) {}

    /// Begins a scan. Mappings that the scan does not report are removed at its end.
    void begin() { ++scan_; }
    /// Adds a translated flow that is not the ALG's. `by_phone`: opened from inside, so it is not a port
    /// forward. `signalling`: its other end is a SIP port.
    void note(const Mapping& mapping, bool by_phone, bool signalling);
    void end();
    /// Adds the translation of a flow that a phone has begun in the last minutes. It replaces the results of
    /// scans for its two sockets.
    void note_seen(const Mapping& mapping);

    struct Way {
        std::uint16_t port = 0;  ///< public
        bool by_phone = false;
        bool signalling = false;
        std::uint32_t scan = 0;
    };
    /// The public port of an inside socket; nullptr: none. If NAT uses several ports for several peers, this
    /// is the port of signalling.
    const Way* find(const MappingKey& key) const;

    /// The inside endpoint of a public socket, whose address is that of the outside interface; nullptr: none.
    const Endpoint* find_public(const Socket& socket) const;

    /// Whether NAT gives a socket of this host another port than its own.
    bool changes_ports(const Address& host) const { return changed_.contains(host); }

    bool empty() const { return inside_.empty(); }
    std::size_t size() const { return inside_.size(); }
    /// The public sockets of the inside address with the most. Linear in the number of addresses.
    std::size_t largest_share() const;

  private:
    struct Inside {
        Endpoint endpoint;
        std::uint32_t scan = 0;
    };
    /// The place for the mapping's public socket; nullptr: a limit is reached.
    Inside* place(const Mapping& mapping);
    void note_change(const Mapping& mapping);

    const Limits& limits_;
    std::unordered_map<MappingKey, Way, MappingKeyHash> ways_;
    std::unordered_map<Socket, Inside> inside_;
    std::unordered_map<Address, std::size_t> of_host_;  ///< how many of inside_
    std::unordered_set<Address> changed_;               ///< see changes_ports()
    std::uint32_t scan_ = 0;
};

}  // namespace sipalg::nat
