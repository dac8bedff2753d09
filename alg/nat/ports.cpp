#include "alg/nat/ports.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace sipalg::nat {

namespace {
// Sorted: databases, remote desktops, proxies, container and printer control.
constexpr std::array<std::uint16_t, 29> services{1080, 1433, 1434, 1521, 1723, 1883, 1900, 2049, 2375, 2376,
                                                 2379, 3128, 3306, 3389, 5351, 5353, 5432, 5555, 5900, 5901,
                                                 5985, 5986, 6379, 7547, 8080, 8443, 9100, 9200, 11211};
static_assert(std::is_sorted(services.begin(), services.end()));
}  // namespace

bool is_forbidden_port(std::uint16_t port) {
    return port < 1024 || std::binary_search(services.begin(), services.end(), port);
}

Ports::Ports(PortRange media, std::vector<PortRange> ours)
    : ours_(std::move(ours)), range_(media), cursor_(media.low) {
    if (ours_.empty()) return;
    range_ = ours_.front();
    for (const PortRange& one : ours_)
        range_ = {std::min(range_.low, one.low), std::max(range_.high, one.high)};
    range_.low = static_cast<std::uint16_t>(range_.low & ~1U);
    cursor_ = range_.low;
}

std::optional<std::uint16_t> Ports::choose(std::uint16_t wanted, unsigned run,
                                           const std::function<bool(std::uint16_t)>& is_free) {
    const auto usable = [&](unsigned port) {
        const auto number = static_cast<std::uint16_t>(port);
        return port <= 65535 && !is_forbidden_port(number) && reaches_us(number) && is_free(number);
    };
    const auto all_usable = [&](unsigned first) {
        for (unsigned port = first; port < first + run; ++port)
            if (!usable(port)) return false;
        return true;
    };
    if (all_usable(wanted)) return wanted;
    const unsigned pairs = (range_.high - range_.low + 1U) / 2;
    for (unsigned tried = 0; tried < pairs; ++tried) {
        const unsigned port = cursor_;
        cursor_ = static_cast<std::uint16_t>(port + 3U > range_.high ? range_.low : port + 2U);
        if (all_usable(port)) return static_cast<std::uint16_t>(port);
    }
    return std::nullopt;
}

}  // namespace sipalg::nat
