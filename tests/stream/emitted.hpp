// What the router sends must be a packet that any host takes.
#pragma once

#include <cstdint>
#include <vector>

#include "alg/net/packet.hpp"
#include "alg/tcp/segment.hpp"

namespace sipalg::test {

/// The segment in a packet that was written by the core. Throws std::runtime_error that says what is wrong:
/// it can't be read, its length or a checksum is not that of its bytes, it does not go from `source` to
/// `destination`.
tcp::Segment check_emitted(const std::vector<std::uint8_t>& bytes, const Endpoint& source,
                           const Endpoint& destination);

}  // namespace sipalg::test
