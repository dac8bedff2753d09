// A range of ports.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace sipalg {

struct PortRange {
    std::uint16_t low = 0, high = 0;  ///< both belong to it
    /// "LO-HI" in decimal numbers; nullopt: it is not that, or LO is above HI.
    static std::optional<PortRange> parse(std::string_view text);
    bool contains(std::uint16_t port) const { return port >= low && port <= high; }
    std::string text() const { return std::to_string(low) + "-" + std::to_string(high); }
    friend auto operator<=>(const PortRange&, const PortRange&) = default;
};

/// Whether one of the ranges has the port.
bool is_in(std::span<const PortRange> ranges, std::uint16_t port);
/// The number of ports that are in one of the ranges.
std::size_t count_ports(std::span<const PortRange> ranges);

}  // namespace sipalg
