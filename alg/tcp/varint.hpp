// Numbers of records in as few bytes as they need: seven bits in each, the lowest first (as in LEB128). The
// sign is the lowest bit.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace sipalg::tcp {

inline void put_varint(std::string& to, std::int64_t value) {
    std::uint64_t rest =
        static_cast<std::uint64_t>(value) << 1 ^ static_cast<std::uint64_t>(value < 0 ? -1 : 0);
    for (; rest >= 0x80; rest >>= 7)
        to += static_cast<char>(rest | 0x80);
    to += static_cast<char>(rest);
}

/// Takes a number off the front of `from`. Sets `ok` to false if it is not complete, or is beyond the
/// positions of any stream.
inline std::int64_t take_varint(std::string_view& from, bool& ok) {
    constexpr unsigned most_bits = 56;
    std::uint64_t value = 0;
    for (unsigned shift = 0; ok && shift < most_bits; shift += 7) {
        if (from.empty()) break;
        const auto byte = static_cast<std::uint8_t>(from[0]);
        from.remove_prefix(1);
        value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
        if (byte < 0x80) return static_cast<std::int64_t>(value >> 1 ^ (0 - (value & 1)));
    }
    ok = false;
    return 0;
}

}  // namespace sipalg::tcp
