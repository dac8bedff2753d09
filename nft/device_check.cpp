#include "nft/device_check.hpp"

#include <netinet/in.h>
// Kernel headers follow those of glibc.
#include <linux/netfilter.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "nft/chain_walk.hpp"

namespace sipalg::nft {

namespace {

constexpr std::array ip_families{std::pair{std::uint8_t{NFPROTO_IPV4}, "IPv4"},
                                 std::pair{std::uint8_t{NFPROTO_IPV6}, "IPv6"}};

// NF_NETDEV_INGRESS and NF_NETDEV_EGRESS, in the order of their numbers, and those of the family bridge.
constexpr std::array device_hooks{"ingress", "egress"};
constexpr std::array bridge_hooks{"prerouting", "input", "forward", "output", "postrouting"};
// NF_INET_INGRESS, which older headers lack.
constexpr std::uint32_t inet_ingress = 5;

// Empty: not a hook below IP.
std::string hook_below_ip(const ChainSeen& chain) {
    if (chain.type != "filter") return {};
    if (chain.family == NFPROTO_NETDEV && chain.hook < device_hooks.size()) return device_hooks[chain.hook];
    if (chain.family == NFPROTO_BRIDGE && chain.hook < bridge_hooks.size()) return bridge_hooks[chain.hook];
    if (chain.family == NFPROTO_INET && chain.hook == inet_ingress) return device_hooks[0];
    return {};
}

bool carries(const ChainSeen& chain, const DeviceTraffic& traffic) {
    if (chain.family == NFPROTO_BRIDGE) return traffic.bridged;
    return std::any_of(chain.devices.begin(), chain.devices.end(), [&](const std::string& device) {
        return std::find(traffic.devices.begin(), traffic.devices.end(), device) != traffic.devices.end();
    });
}

// The rule that certainly drops the packet; 0: the policy; nullopt: none does.
std::optional<std::uint64_t> dropped_by(TableReader& table, const ChainSeen& chain,
                                        const FollowedPacket& packet) {
    ChainWalk walk(table, packet);
    const ChainResult result = walk.follow(chain.place.chain, 0);
    if (walk.outcome.may_accept || result == ChainResult::accept) return std::nullopt;
    if (result == ChainResult::drop) return walk.outcome.handle;
    return chain.drops ? std::optional<std::uint64_t>(0) : std::nullopt;
}

/// The packets of one family that a chain drops.
struct Dropped {
    std::string traffic;
    std::uint64_t handle = 0;
};

Dropped dropped(TableReader& table, const ChainSeen& chain, std::uint8_t family,
                const DeviceTraffic& traffic) {
    FollowedPacket packet;
    packet.family = family;
    // The device of a chain is a condition that holds. Of a bridge, each port is possible.
    if (chain.devices.size() == 1) packet.from = chain.devices.front();
    Dropped found;
    const auto try_port = [&](std::uint16_t port, const char* kind) {
        packet.destination_port = port;
        const auto handle = dropped_by(table, chain, packet);
        if (!handle) return false;
        if (found.traffic.empty()) found.handle = *handle;
        found.traffic += (found.traffic.empty() ? "" : " and ") + std::string(kind) + " to UDP port " +
                         std::to_string(port);
        return true;
    };
    for (const std::uint16_t port : traffic.sip_ports) {
        packet.source_port = port;
        if (try_port(port, "signalling")) break;
    }
    packet.source_port.reset();
    const auto middle = static_cast<std::uint16_t>((traffic.media_low + traffic.media_high) / 2);
    for (const std::uint16_t port : {traffic.media_low, middle, traffic.media_high})
        if (try_port(port, "media")) break;
    return found;
}

}  // namespace

std::vector<PathTrouble> device_troubles(TableReader& table, const ChainSeen& chain,
                                         const DeviceTraffic& traffic) {
    std::vector<PathTrouble> found;
    const std::string hook = hook_below_ip(chain);
    if (hook.empty() || !carries(chain, traffic)) return found;
    for (const auto& [family, name] : ip_families) {
        const Dropped each = dropped(table, chain, family, traffic);
        if (each.traffic.empty()) continue;
        if (!found.empty() && found.back().traffic == each.traffic)
            found.back().families += std::string(" and ") + name;
        else
            found.push_back(
                {PathTrouble::Kind::drops_below_ip, chain.place, hook, name, each.handle, each.traffic});
    }
    return found;
}

std::vector<PathTrouble> check_devices(Link& link, const std::vector<ChainSeen>& chains,
                                       const DeviceTraffic& traffic) {
    std::vector<PathTrouble> found;
    for (const ChainSeen& chain : chains) {
        if (hook_below_ip(chain).empty() || !carries(chain, traffic)) continue;
        TableReader table(link, chain.family, chain.place.table);
        for (PathTrouble& each : device_troubles(table, chain, traffic))
            found.push_back(std::move(each));
    }
    return found;
}

}  // namespace sipalg::nft
