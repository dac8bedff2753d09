// The registers of nftables while a packet is followed through rules; each byte is known or open.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace sipalg::nft {

using Bytes = std::vector<std::optional<std::uint8_t>>;  // nullopt: open

/// Compares as numbers in network order, so that the first byte that differs decides: below 0, 0, above 0.
/// `value` has no open byte.
int compare_numbers(const Bytes& value, std::span<const std::uint8_t> other);

/// `reg`: NFT_REG_1 to NFT_REG_4, or NFT_REG32_00 to NFT_REG32_15; of any other, all bytes are open.
class ByteRegisters {
  public:
    /// Stores `value`, and after it open bytes up to `size`.
    void put(std::uint32_t reg, std::span<const std::uint8_t> value, std::size_t size);
    Bytes get(std::uint32_t reg, std::size_t size) const;
    /// Opens all bytes.
    void clear() { bytes_.fill(std::nullopt); }
    /// Computes (from & bits) ^ flip. A byte that `bits` clears is known. Shorter spans (a shift): the result
    /// is open.
    void mask(std::uint32_t from, std::uint32_t to, std::size_t size, std::span<const std::uint8_t> bits,
              std::span<const std::uint8_t> flip);

  private:
    static std::size_t place(std::uint32_t reg);

    std::array<std::optional<std::uint8_t>, 64> bytes_{};
};

}  // namespace sipalg::nft
