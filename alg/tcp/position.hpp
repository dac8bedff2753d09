// Positions in a TCP stream, which do not wrap.
#pragma once

#include <cstdint>

namespace sipalg::tcp {

/// Bytes since the beginning of a stream: the SYN is at -1, the first byte of data at 0.
using Position = std::int64_t;

/// The position of a sequence number (RFC 9293 3.4) in a stream that began with `initial`, the nearest one to
/// `near`.
inline Position position(std::uint32_t sequence, std::uint32_t initial, Position near) {
    const std::uint32_t expected = initial + 1 + static_cast<std::uint32_t>(near);
    return near + static_cast<std::int32_t>(sequence - expected);
}

/// The sequence number of a position.
inline std::uint32_t sequence(Position position, std::uint32_t initial) {
    return initial + 1 + static_cast<std::uint32_t>(position);
}

}  // namespace sipalg::tcp
