#include "alg/net/checksum.hpp"

#include <bit>
#include <cstring>

namespace sipalg {

std::uint64_t add_words(std::span<const std::uint8_t> bytes, std::uint64_t sum) {
    // Adds four bytes at a time in the machine's own order: swapping the bytes of all words only swaps the
    // bytes of the folded sum (RFC 1071 2 B).
    std::uint64_t native = 0;
    std::size_t i = 0;
    for (; i + 4 <= bytes.size(); i += 4) {
        std::uint32_t word = 0;
        std::memcpy(&word, bytes.data() + i, sizeof word);
        native += word;
    }
    while (native >> 16)
        native = (native & 0xffff) + (native >> 16);
    if constexpr (std::endian::native == std::endian::little) native = (native & 0xff) << 8 | native >> 8;
    sum += native;
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
