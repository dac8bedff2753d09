#include "alg/nat/port_forwards.hpp"

#include <algorithm>
#include <utility>

#include "alg/nat/ports.hpp"

namespace sipalg::nat {

void PortForwards::set(std::vector<PortForward> forwards) {
    all_ = std::move(forwards);
    forwarded_.assign(all_.empty() ? 0 : 65536, false);
    for (const PortForward& forward : all_)
        for (unsigned port = forward.low; port <= forward.high; ++port)
            forwarded_[port] = true;
}

// X12
std::optional<std::uint16_t> PortForwards::port_of(const Socket& inside, const Address& outside) const {
    for (const PortForward& forward : all_) {
        if (forward.to != inside.endpoint.address) continue;
        // The inside port itself if the rule keeps ports; else all ports lead to one, so the first one will
        // do.
        for (const std::uint16_t port : {inside.endpoint.port, forward.low})
            if (forward.covers({inside.transport, {outside, port}}) && !is_forbidden_port(port) &&
                forward.destination(port) == inside.endpoint)
                return port;
    }
    return std::nullopt;
}

// X12
bool PortForwards::is_others(const Socket& inside, const Socket& outside, std::uint16_t first,
                             unsigned run) const {
    const std::uint16_t port = outside.endpoint.port;
    if (forwarded_.empty() || !forwarded_[port]) return false;
    const int offset = port - first;
    return std::any_of(all_.begin(), all_.end(), [&](const PortForward& forward) {
        if (!forward.covers(outside)) return false;
        const auto to = forward.destination(port);
        const bool is_own = to && to->address == inside.endpoint.address &&
                            to->port - inside.endpoint.port == offset && offset >= 0 &&
                            static_cast<unsigned>(offset) < run;
        return !is_own;
    });
}

std::size_t PortForwards::left(std::uint16_t low, std::uint16_t high) const {
    std::vector<bool> taken(high - low + 1U, false);
    for (const PortForward& forward : all_) {
        if (forward.transport == Transport::tcp) continue;
        for (unsigned port = std::max(low, forward.low); port <= std::min(high, forward.high); ++port)
            taken[port - low] = true;
    }
    return static_cast<std::size_t>(std::count(taken.begin(), taken.end(), false));
}

}  // namespace sipalg::nat
