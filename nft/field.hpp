// Fields of packets and connections that rules load into registers.
#pragma once

#include <libnftnl/rule.h>

#include <cstdint>

namespace sipalg::nft {

/// Fields of a packet that rules look up in a set. `protocol` is nft's `meta l4proto`.
enum class Field : std::uint8_t {
    protocol,
    source,  ///< IPv4
    destination,
    source6,
    destination6,
    source_port,
    destination_port,
    // Of the connection's first packet, as conntrack saw it before any translation.
    original_source,
    original_source6,
    original_source_port,
    original_destination,
    original_destination6,
    original_destination_port,
    out_interface  ///< its name
};

/// As nft writes it.
const char* name(Field field);
/// The number of 32-bit registers that it takes.
std::uint32_t registers(Field field);
/// The register at this position of a concatenation, counted in 32-bit registers. The first is NFT_REG_1 as
/// in nft, so that rules read from the kernel look the same.
std::uint32_t register_at(std::uint32_t position);

/// Appends the expression that loads the field into the register. Throws std::bad_alloc.
void load(nftnl_rule* rule, Field field, std::uint32_t reg);
/// The same for the first `size` bytes of a field of the packet, into NFT_REG_1.
void load_start(nftnl_rule* rule, Field field, std::uint32_t size);

}  // namespace sipalg::nft
