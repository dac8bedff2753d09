// The addresses and ports to which a rule of the owner translates packets.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "alg/net/address.hpp"
#include "alg/net/port_range.hpp"
#include "nft/table_reader.hpp"

namespace sipalg::nft {

struct NatTarget {
    Address low, high;
    std::uint16_t low_port = 0, high_port = 0;  ///< 0: not given
    bool readable = true;
};

/// The target of the x_tables targets DNAT, SNAT, MASQUERADE and REDIRECT; nullopt: its data is too short.
std::optional<NatTarget> xt_nat_target(const nftnl_expr* target);

/// The ports to which the rule translates sources (snat, masquerade), as constants; nullopt: it does not, or
/// names no ports.
std::optional<PortRange> source_ports(const TableReader::Expressions& rule);

}  // namespace sipalg::nft
