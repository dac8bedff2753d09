#include "alg/net/port_range.hpp"

#include <algorithm>
#include <charconv>

namespace sipalg {

std::optional<PortRange> PortRange::parse(std::string_view text) {
    PortRange range;
    const char* const end = text.data() + text.size();
    const auto low = std::from_chars(text.data(), end, range.low);
    if (low.ec != std::errc() || low.ptr == end || *low.ptr != '-') return std::nullopt;
    const auto high = std::from_chars(low.ptr + 1, end, range.high);
    if (high.ec != std::errc() || high.ptr != end || range.low > range.high) return std::nullopt;
    return range;
}

bool is_in(std::span<const PortRange> ranges, std::uint16_t port) {
    return std::any_of(ranges.begin(), ranges.end(),
                       [&](const PortRange& range) { return range.contains(port); });
}

std::size_t count_ports(std::span<const PortRange> ranges) {
    std::size_t found = 0;
    for (unsigned port = 0; port <= 65535; ++port)
        if (is_in(ranges, static_cast<std::uint16_t>(port))) ++found;
    return found;
}

}  // namespace sipalg
