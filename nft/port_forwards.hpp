// The ports that the owner's ruleset forwards by number (X12).
//
// Theory of operation. Every rule in the nat chains of the prerouting hook (ip and inet, all tables but ours)
// is followed expression by expression, as the kernel would, but with a set of possible packets in place of
// one packet. A register has fields of the packet or known bytes, a comparison narrows the set, and a lookup
// in a set or map splits it, one part for each element. A rule that translates the destination of packets
// with known ports is a forward. Conditions on anything but ports, protocol, public address and interface are
// assumed to match, so a port that is forwarded only for some packets counts as forwarded. Ports that no
// comparison has narrowed are not forwarded by number. A destination that is not in the rule or its maps is
// reported as none.
//
// iptables-legacy has tables of its own, which nftables does not see.
#pragma once

#include <string>
#include <vector>

#include "alg/kernel/port_forward.hpp"
#include "nft/link.hpp"

namespace sipalg::nft {

/// X12. The forwards of all tables but inet `except`, for packets that come in by one of the interfaces
/// `outside` (empty: any). Sorted, each once; at most 4096. Throws Error.
std::vector<PortForward> port_forwards(Link& link, const std::string& except,
                                       const std::vector<std::string>& outside);

}  // namespace sipalg::nft
