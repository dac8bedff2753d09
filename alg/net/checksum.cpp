#include "alg/net/checksum.hpp"

namespace sipalg {

std::uint64_t add_words(std::span<const std::uint8_t> bytes, std::uint64_t sum) {
    std::size_t i = 0;
    for (; i + 1 < bytes.size(); i += 2)
        sum += load16(bytes, i);
    if (i < bytes.size()) sum += static_cast<std::uint64_t>(bytes[i]) << 8;
    return sum;
}

std::uint16_t fold(std::uint64_t sum) {
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return static_cast<std::uint16_t>(~sum);
}

}  // namespace sipalg
