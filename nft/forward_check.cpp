#include "nft/forward_check.hpp"

#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <netinet/in.h>

#include <algorithm>

#include "nft/settings.hpp"

namespace sipalg::nft {

namespace {

// Of the conntrack entry. A destination that the kernel has translated has both bits.
constexpr std::uint32_t translated = IPS_DST_NAT | IPS_DST_NAT_DONE;

}  // namespace

// O3
ForwardOutcome check_forward(Link& link, const ChainSeen& base, const PinholedPacket& packet) {
    TableReader table(link, base.family, base.place.table);
    FollowedPacket followed;
    followed.family = packet.family;
    followed.from = packet.from;
    followed.to = packet.to;
    followed.status = packet.family == NFPROTO_IPV4 ? translated : 0U;
    followed.mark = pinhole_mark;
    followed.direction = std::uint8_t{0};
    ChainWalk walk(table, followed);
    const ChainResult result = walk.follow(base.place.chain, 0);
    ForwardOutcome outcome = walk.outcome;
    outcome.accepted = result == ChainResult::accept || (result == ChainResult::go_on && !base.drops);
    if (result == ChainResult::go_on) outcome.handle = 0;
    return outcome;
}

// A8
bool offloads_signalling(TableReader& table, const ChainSeen& base,
                         std::span<const std::uint16_t> sip_ports) {
    constexpr std::uint32_t established = NF_CT_STATE_BIT(IP_CT_ESTABLISHED);
    for (const std::uint8_t family : {NFPROTO_IPV4, NFPROTO_IPV6}) {
        if (base.family != NFPROTO_INET && base.family != family) continue;
        for (const std::uint16_t port : sip_ports)
            for (const std::uint8_t transport : {std::uint8_t{IPPROTO_UDP}, std::uint8_t{IPPROTO_TCP}})
                for (const bool outward : {true, false}) {
                    FollowedPacket packet;
                    packet.family = family;
                    packet.transport = transport;
                    packet.state = established;
                    (outward ? packet.destination_port : packet.source_port) = port;
                    ChainWalk walk(table, packet);
                    static_cast<void>(walk.follow(base.place.chain, 0));
                    if (walk.offloads) return true;
                }
    }
    return false;
}

// A8
std::vector<std::string> chains_that_offload(Link& link, const std::vector<ChainSeen>& chains,
                                             const std::vector<RuleSeen>& rules,
                                             std::span<const std::uint16_t> sip_ports) {
    std::vector<std::string> found;
    for (const ChainSeen& chain : chains) {
        if (chain.type != "filter" || chain.hook != NF_INET_FORWARD) continue;
        // Most rulesets have no such rule, and need no second reading.
        const bool any = std::any_of(rules.begin(), rules.end(), [&](const RuleSeen& rule) {
            return rule.offloads && rule.family == chain.family && rule.place.table == chain.place.table;
        });
        if (!any) continue;
        TableReader table(link, chain.family, chain.place.table);
        if (offloads_signalling(table, chain, sip_ports)) found.push_back(describe(chain.place));
    }
    return found;
}

std::string offload_exemption(std::span<const std::uint16_t> sip_ports) {
    std::string ports;
    for (const std::uint16_t port : sip_ports)
        ports += (ports.empty() ? "" : ", ") + std::to_string(port);
    // nft 1.0.6 merges two compares of one value each into a wrong one, so there are always two values.
    if (sip_ports.size() == 1) ports += ", " + std::to_string((sip_ports.front() + 1) & 0xffff);
    return "th dport != { " + ports + " } th sport != { " + ports + " }";
}

}  // namespace sipalg::nft
