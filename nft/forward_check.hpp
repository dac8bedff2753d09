// Determines the effect of the owner's forward chains on the first packet that comes in through a pinhole
// (A4, O3), and whether they offload signalling to a flowtable (A8).
//
// Theory of operation. A chain is followed rule by rule with one packet: UDP, new, in the original direction,
// from an outside interface to an inside one, with the mark of a pinhole, and over IPv4 translated to its
// destination. The result of any other comparison (addresses, ports, other marks, counters) is unknown: such
// a rule may match for some pinholes, so it is skipped, and only its verdict is noted.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "nft/link.hpp"
#include "nft/listing.hpp"
#include "nft/table_reader.hpp"

namespace sipalg::nft {

struct PinholedPacket {
    std::uint8_t family = 0;  ///< NFPROTO_IPV4 or NFPROTO_IPV6
    std::string from, to;     ///< interface names; empty: not known
};

struct ForwardOutcome {
    bool accepted = false;  ///< else it is dropped
    /// The verdict of a skipped rule before the end, which some packets may meet.
    bool may_accept = false, may_drop = false;
    std::uint64_t handle = 0;  ///< of the rule in the base chain that decided; 0: the chain's policy
    friend bool operator==(const ForwardOutcome&, const ForwardOutcome&) = default;
};

/// A8. Whether the chain reaches `flow add` with a packet of signalling, in either direction: after that,
/// packets of the connection bypass the forward hook. Throws Error.
bool offloads_signalling(TableReader& table, const ChainSeen& base, std::span<const std::uint16_t> sip_ports);

/// A8. The forward chains, as "FAMILY TABLE CHAIN", that offload signalling. Throws Error.
std::vector<std::string> chains_that_offload(Link& link, const std::vector<ChainSeen>& chains,
                                             const std::vector<RuleSeen>& rules,
                                             std::span<const std::uint16_t> sip_ports);
/// The expression that exempts signalling, to be written before `flow add`: "th dport != { 5060, 5061 } th
/// sport != …".
std::string offload_exemption(std::span<const std::uint16_t> sip_ports);

/// O3. Throws Error.
ForwardOutcome check_forward(Link& link, const ChainSeen& base, const PinholedPacket& packet);

}  // namespace sipalg::nft
