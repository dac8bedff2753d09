// Determines the effect of the owner's forward chains on the first packet that comes in through a pinhole
// (A4, O3), and whether they offload signalling to a flowtable (A8).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "nft/chain_walk.hpp"
#include "nft/link.hpp"
#include "nft/listing.hpp"
#include "nft/table_reader.hpp"

namespace sipalg::nft {

struct PinholedPacket {
    std::uint8_t family = 0;  ///< NFPROTO_IPV4 or NFPROTO_IPV6
    std::string from, to;     ///< interface names; empty: not known
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
