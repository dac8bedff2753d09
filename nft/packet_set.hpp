// A set of possible packets, narrowed by the comparisons of a rule (X12).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "alg/net/address.hpp"

namespace sipalg::nft {

/// The parts of a packet that matter for port forwards.
enum class PacketField : std::uint8_t { other, constant, protocol, destination, port, interface_name };

/// The registers of the kernel's rule machine, byte by byte: which byte of which field each one holds.
class Registers {
  public:
    struct Byte {
        PacketField field = PacketField::other;
        std::uint8_t index = 0;  ///< the index among the field's bytes
        std::uint8_t value = 0;  ///< of a constant
    };
    /// From register `reg` (NFT_REG_… or NFT_REG32_…) on. Bytes beyond the last register are left out.
    std::span<Byte> at(std::uint32_t reg, std::size_t size);
    /// `size` bytes of a field, from its byte `first` on.
    void load(std::uint32_t reg, std::size_t size, PacketField field, std::uint8_t first = 0);
    void load(std::uint32_t reg, std::span<const std::uint8_t> constant);
    /// The bytes of a constant; nullopt: the registers hold anything else.
    std::optional<std::vector<std::uint8_t>> constant(std::uint32_t reg, std::size_t size);

  private:
    std::array<Byte, 64> bytes_{};
};

struct PacketSet {
    explicit PacketSet(std::vector<std::string> outside) : interfaces(std::move(outside)) {}

    /// Keeps the packets whose field, at `bytes`, has a value from `low` to `high`. False: none is left.
    [[nodiscard]] bool narrow(std::span<const Registers::Byte> bytes, std::span<const std::uint8_t> low,
                              std::span<const std::uint8_t> high);
    /// Keeps the packets whose field does not have this value. Only for interfaces; else it keeps all.
    [[nodiscard]] bool exclude(std::span<const Registers::Byte> bytes, std::span<const std::uint8_t> value);
    [[nodiscard]] bool narrow_ports(unsigned from, unsigned to);

    bool tcp = true, udp = true;
    bool any_port = true;  ///< no comparison has narrowed the ports
    unsigned low = 0, high = 65535;
    Address destination;                  ///< none: any
    std::vector<std::string> interfaces;  ///< the interfaces by which the packets may come in
    bool any_interface = interfaces.empty();
};

}  // namespace sipalg::nft
