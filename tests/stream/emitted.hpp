// Packets of the router must be valid for any host.
#pragma once

#include <cstdint>
#include <vector>

#include "alg/net/packet.hpp"
#include "alg/tcp/segment.hpp"

namespace sipalg::test {

/// The segment in a packet that was written by the core. Throws std::runtime_error with the fault:
/// unreadable, a wrong length or checksum, or not from `source` to `destination`.
tcp::Segment check_emitted(const std::vector<std::uint8_t>& bytes, const Endpoint& source,
                           const Endpoint& destination);

}  // namespace sipalg::test
