// What the owner's forward chains do with the first packet that comes in through a pinhole (A4, O3).
//
// Theory of operation. A chain is followed rule by rule with one packet: UDP, new, in the original direction,
// from an outside interface to an inside one, with the mark of a pinhole, and over IPv4 translated to its
// destination. A comparison with anything else (addresses, ports, other marks, counters) is open: such a rule
// may hold for some pinholes and is passed over, and its verdict is only noted.
#pragma once

#include <cstdint>
#include <string>

#include "nft/link.hpp"
#include "nft/listing.hpp"

namespace sipalg::nft {

struct PinholedPacket {
    std::uint8_t family = 0;  ///< NFPROTO_IPV4 or NFPROTO_IPV6
    std::string from, to;     ///< interface names; empty: not known
};

struct ForwardOutcome {
    bool accepted = false;  ///< else it is dropped
    /// What an open rule before the end would do instead.
    bool may_accept = false, may_drop = false;
    std::uint64_t handle = 0;  ///< of the rule in the base chain that decided; 0: the chain's policy
    friend bool operator==(const ForwardOutcome&, const ForwardOutcome&) = default;
};

/// O3. Throws Error.
ForwardOutcome check_forward(Link& link, const ChainSeen& base, const PinholedPacket& packet);

}  // namespace sipalg::nft
