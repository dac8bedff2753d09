// Determines what the owner's chains do to signalling and media below IP: in the ingress and egress hooks of
// a device, and in the family bridge. sipalg puts no rule there, and reads no packet that is dropped there
// (O3).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "nft/link.hpp"
#include "nft/listing.hpp"
#include "nft/path_check.hpp"
#include "nft/table_reader.hpp"

namespace sipalg::nft {

struct DeviceTraffic {
    std::vector<std::string> devices;  ///< that carry packets of the router's interfaces
    bool bridged = false;              ///< one of them is a bridge
    std::vector<std::uint16_t> sip_ports;
    std::uint16_t media_low = 0, media_high = 0;
};

/// What the chain does to UDP of signalling, and of media to three ports of their range. Only what is
/// certain: a rule that depends on an address or a rate does not count, and neither does a chain in which
/// such a rule may accept them. For tests with a table of their own.
std::vector<PathTrouble> device_troubles(TableReader& table, const ChainSeen& chain,
                                         const DeviceTraffic& traffic);

/// The same of all chains. Throws Error.
std::vector<PathTrouble> check_devices(Link& link, const std::vector<ChainSeen>& chains,
                                       const DeviceTraffic& traffic);

}  // namespace sipalg::nft
