// Numbers in network order, and the Internet checksum (RFC 1071).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace sipalg {

inline std::uint16_t load16(std::span<const std::uint8_t> bytes, std::size_t at) {
    return static_cast<std::uint16_t>(bytes[at] << 8 | bytes[at + 1]);
}

inline void store16(std::vector<std::uint8_t>& bytes, std::size_t at, std::size_t value) {
    bytes[at] = static_cast<std::uint8_t>(value >> 8);
    bytes[at + 1] = static_cast<std::uint8_t>(value);
}

/// Adds the one's complement sum of `bytes` to `sum`. An odd last byte is padded with a zero byte.
std::uint64_t add_words(std::span<const std::uint8_t> bytes, std::uint64_t sum);
/// Folds a sum into the checksum.
std::uint16_t fold(std::uint64_t sum);

}  // namespace sipalg
