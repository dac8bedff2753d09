#include "nft/path_check.hpp"

#include <netinet/in.h>
// Kernel headers follow those of glibc.
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter_ipv4.h>

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "nft/chain_walk.hpp"
#include "nft/settings.hpp"

namespace sipalg::nft {

namespace {

using Trouble = PathTrouble::Kind;

// The priority of `admit`, which sets the mark.
constexpr std::int32_t admission = NF_IP_PRI_NAT_DST - 5;
constexpr std::array families{std::pair{std::uint8_t{NFPROTO_IPV4}, "IPv4"},
                              std::pair{std::uint8_t{NFPROTO_IPV6}, "IPv6"}};

std::string hook_name(std::uint32_t hook) {
    return hook == NF_INET_PRE_ROUTING ? "prerouting" : hook == NF_INET_FORWARD ? "forward" : "postrouting";
}

bool is_ip(const ChainSeen& chain) {
    return chain.family == NFPROTO_IPV4 || chain.family == NFPROTO_IPV6 || chain.family == NFPROTO_INET;
}

bool is_owners_filter(const ChainSeen& chain, const std::string& own_table) {
    const bool passed = chain.hook == NF_INET_PRE_ROUTING || chain.hook == NF_INET_FORWARD ||
                        chain.hook == NF_INET_POST_ROUTING;
    return chain.type == "filter" && passed && is_ip(chain) &&
           !(chain.family == NFPROTO_INET && chain.place.table == own_table);
}

bool is_before_conntrack(const ChainSeen& chain) {
    return chain.hook == NF_INET_PRE_ROUTING && chain.priority <= NF_IP_PRI_CONNTRACK;
}

bool is_before_admission(const ChainSeen& chain) {
    return chain.hook == NF_INET_PRE_ROUTING && chain.priority <= admission;
}

FollowedPacket pinholed(const ChainSeen& chain, std::uint8_t family, const PathEnds& ends) {
    const bool before = is_before_admission(chain);
    const bool has_translation = !before && family == NFPROTO_IPV4;
    FollowedPacket packet;
    packet.family = family;
    packet.from = ends.from;
    if (chain.hook != NF_INET_PRE_ROUTING) packet.to = ends.to;
    packet.status = has_translation ? std::uint32_t{IPS_DST_NAT} | IPS_DST_NAT_DONE : 0U;
    packet.mark = before ? 0U : pinhole_mark;
    packet.direction = std::uint8_t{0};
    return packet;
}

// Follows signalling from one SIP port to another. `rule`: which effect of the walk is wanted; 0: none has
// it.
std::uint64_t rule_for_signalling(TableReader& table, const ChainSeen& chain, FollowedPacket packet,
                                  const std::vector<std::uint16_t>& sip_ports,
                                  std::uint64_t ChainWalk::*rule) {
    for (const std::uint16_t port : sip_ports) {
        packet.source_port = packet.destination_port = port;
        ChainWalk walk(table, packet);
        static_cast<void>(walk.follow(chain.place.chain, 0));
        if (walk.*rule != 0) return walk.*rule;
    }
    return 0;
}

std::uint64_t untracking_rule(TableReader& table, const ChainSeen& chain, std::uint8_t family,
                              const PathEnds& ends) {
    FollowedPacket packet;
    packet.family = family;
    return rule_for_signalling(table, chain, packet, ends.sip_ports, &ChainWalk::untracked_by);
}

bool translates_first(const ChainSeen& chain) {
    return is_ip(chain) && chain.type == "nat" && chain.hook == NF_INET_PRE_ROUTING &&
           chain.priority < admission;
}

class Troubles {
  public:
    void add(Trouble kind, const ChainSeen& chain, std::uint64_t handle, const char* family) {
        for (PathTrouble& one : all)
            if (one.kind == kind && one.place == chain.place) {
                one.families += std::string(" and ") + family;
                return;
            }
        all.push_back({kind, chain.place, hook_name(chain.hook), family, handle, {}});
    }
    std::vector<PathTrouble> all;
};

}  // namespace

// The first nat chain that translates decides, and `admit` finds no address of the router any more.
std::uint64_t translating_rule(TableReader& table, const ChainSeen& chain, std::uint8_t family,
                               const PathEnds& ends) {
    if (!translates_first(chain)) return 0;
    FollowedPacket packet;
    packet.family = family;
    packet.from = ends.from;
    packet.direction = std::uint8_t{0};
    return rule_for_signalling(table, chain, packet, ends.sip_ports, &ChainWalk::translated_by);
}

std::vector<PathTrouble> check_path(Link& link, const std::vector<ChainSeen>& chains,
                                    const std::vector<AcceptIn>& accepting, const std::string& own_table,
                                    const PathEnds& ends) {
    // A mark that is cleared after the last chain that needs it does no harm.
    std::int32_t last = std::numeric_limits<std::int32_t>::min();
    for (const ChainSeen& chain : chains)
        if (std::find(accepting.begin(), accepting.end(), chain.place) != accepting.end())
            last = std::max(last, chain.priority);
    Troubles found;
    for (const ChainSeen& chain : chains) {
        if (!is_owners_filter(chain, own_table) && !translates_first(chain)) continue;
        TableReader table(link, chain.family, chain.place.table);
        for (const auto& [family, name] : families) {
            if (chain.family != NFPROTO_INET && chain.family != family) continue;
            if (chain.type == "nat") {
                if (const auto handle = translating_rule(table, chain, family, ends))
                    found.add(Trouble::translates, chain, handle, name);
                continue;
            }
            if (is_before_conntrack(chain)) {
                if (const auto handle = untracking_rule(table, chain, family, ends))
                    found.add(Trouble::untracks, chain, handle, name);
                continue;
            }
            const FollowedPacket packet = pinholed(chain, family, ends);
            ChainWalk walk(table, packet);
            const ChainResult result = walk.follow(chain.place.chain, 0);
            const bool dropped = result == ChainResult::drop || (result == ChainResult::go_on && chain.drops);
            // The accept rule reaches the others.
            const bool ours = chain.hook == NF_INET_FORWARD && chain.priority != NF_IP_PRI_MANGLE;
            if (dropped && !ours)
                found.add(is_before_admission(chain) ? Trouble::drops_before : Trouble::drops, chain,
                          result == ChainResult::go_on ? 0 : walk.outcome.handle, name);
            const bool needed = chain.hook == NF_INET_PRE_ROUTING
                                    ? last != std::numeric_limits<std::int32_t>::min()
                                    : chain.hook == NF_INET_FORWARD && chain.priority < last;
            if (walk.mark_cleared_by != 0 && needed)
                found.add(Trouble::clears_mark, chain, walk.mark_cleared_by, name);
        }
    }
    return std::move(found.all);
}

std::string nft_accept_command(const std::string& place) {
    return "nft insert rule " + place + " 'ct direction original ct mark & 0x10000000 == 0x10000000 accept'";
}

std::string accept_command(const AcceptIn& place) {
    // iptables-nft refuses to list a table with expressions of nft.
    static constexpr std::array tables{"filter", "mangle", "raw", "security"};
    static constexpr std::array chains{"PREROUTING", "FORWARD", "POSTROUTING"};
    const auto is_among = [](const auto& names, const std::string& name) {
        return std::find(names.begin(), names.end(), name) != names.end();
    };
    if (place.family != "inet" && is_among(tables, place.table) && is_among(chains, place.chain))
        return (place.family == "ip" ? "iptables -t " : "ip6tables -t ") + place.table + " -I " +
               place.chain +
               " -m conntrack --ctdir ORIGINAL -m connmark --mark 0x10000000/0x10000000 -j ACCEPT";
    return nft_accept_command(describe(place));
}

}  // namespace sipalg::nft
