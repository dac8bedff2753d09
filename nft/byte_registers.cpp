#include "nft/byte_registers.hpp"

#include <linux/netfilter/nf_tables.h>

#include <algorithm>

namespace sipalg::nft {

int compare_numbers(const Bytes& value, std::span<const std::uint8_t> other) {
    for (std::size_t i = 0; i < std::min(value.size(), other.size()); ++i)
        if (*value[i] != other[i]) return *value[i] < other[i] ? -1 : 1;
    return 0;
}

std::size_t ByteRegisters::place(std::uint32_t reg) {
    if (reg >= NFT_REG_1 && reg <= NFT_REG_4) return (reg - NFT_REG_1) * 16;
    if (reg >= NFT_REG32_00 && reg <= NFT_REG32_15) return (reg - NFT_REG32_00) * 4;
    return 64;
}

void ByteRegisters::put(std::uint32_t reg, std::span<const std::uint8_t> value, std::size_t size) {
    for (std::size_t i = 0, at = place(reg); i < size && at < bytes_.size(); ++i, ++at) {
        bytes_[at].reset();
        if (i < value.size()) bytes_[at] = value[i];
    }
}

Bytes ByteRegisters::get(std::uint32_t reg, std::size_t size) const {
    Bytes value(size);
    for (std::size_t i = 0, at = place(reg); i < size && at < bytes_.size(); ++i, ++at)
        value[i] = bytes_[at];
    return value;
}

void ByteRegisters::mask(std::uint32_t from, std::uint32_t to, std::size_t size,
                         std::span<const std::uint8_t> bits, std::span<const std::uint8_t> flip) {
    const Bytes value = get(from, size);
    put(to, {}, size);
    if (bits.size() < size || flip.size() < size) return;
    for (std::size_t i = 0, at = place(to); i < size && at < bytes_.size(); ++i, ++at)
        if (value[i])
            bytes_[at] = static_cast<std::uint8_t>((*value[i] & bits[i]) ^ flip[i]);
        else if (bits[i] == 0)
            bytes_[at] = flip[i];
}

}  // namespace sipalg::nft
