#include "nft/nat_target.hpp"

#include <arpa/inet.h>
#include <libnftnl/expr.h>
#include <linux/netfilter/nf_nat.h>
#include <linux/netfilter/nf_tables.h>

#include <map>

namespace sipalg::nft {

// DNAT and SNAT have revisions; their first one, MASQUERADE and REDIRECT have the old layout.
std::optional<NatTarget> xt_nat_target(const nftnl_expr* expression) {
    NatTarget target;
    const auto fill = [&](unsigned flags, std::uint32_t low, std::uint32_t high, std::uint16_t low_port,
                          std::uint16_t high_port) {
        constexpr unsigned computed = NF_NAT_RANGE_PROTO_OFFSET | NF_NAT_RANGE_NETMAP;
        target.readable = (flags & NF_NAT_RANGE_MAP_IPS) != 0 && (flags & computed) == 0;
        target.low = Address::v4(ntohl(low));
        target.high = Address::v4(ntohl(high));
        if ((flags & NF_NAT_RANGE_PROTO_SPECIFIED) == 0) return;
        target.low_port = ntohs(low_port);
        target.high_port = ntohs(high_port);
    };
    if (nftnl_expr_get_u32(expression, NFTNL_EXPR_TG_REV) == 0) {
        const auto info = info_of<nf_nat_ipv4_multi_range_compat>(expression, NFTNL_EXPR_TG_INFO);
        if (!info) return std::nullopt;
        const nf_nat_ipv4_range& range = info->range[0];
        fill(range.flags, range.min_ip, range.max_ip, range.min.all, range.max.all);
    } else {
        const auto info = info_of<nf_nat_range>(expression, NFTNL_EXPR_TG_INFO);
        if (!info) return std::nullopt;
        fill(info->flags, info->min_addr.ip, info->max_addr.ip, info->min_proto.all, info->max_proto.all);
    }
    return target;
}

std::optional<PortRange> source_ports(const TableReader::Expressions& rule) {
    std::map<std::uint32_t, std::uint16_t> ports;  // by register: constants of two bytes
    const auto range_in = [&](const nftnl_expr* expression, std::uint16_t low,
                              std::uint16_t high) -> std::optional<PortRange> {
        if (!nftnl_expr_is_set(expression, low)) return std::nullopt;
        const auto from = ports.find(nftnl_expr_get_u32(expression, low));
        const auto to =
            nftnl_expr_is_set(expression, high) ? ports.find(nftnl_expr_get_u32(expression, high)) : from;
        if (from == ports.end() || to == ports.end() || from->second > to->second) return std::nullopt;
        return PortRange{from->second, to->second};
    };
    for (const nftnl_expr* expression : rule) {
        const std::string_view name = text_of(expression, NFTNL_EXPR_NAME);
        if (name == "immediate" && nftnl_expr_is_set(expression, NFTNL_EXPR_IMM_DATA)) {
            const auto data = data_of(expression, NFTNL_EXPR_IMM_DATA);
            const std::uint32_t reg = nftnl_expr_get_u32(expression, NFTNL_EXPR_IMM_DREG);
            ports.erase(reg);
            if (data.size() == 2) ports[reg] = static_cast<std::uint16_t>(data[0] << 8 | data[1]);
        } else if (name == "masq") {
            return range_in(expression, NFTNL_EXPR_MASQ_REG_PROTO_MIN, NFTNL_EXPR_MASQ_REG_PROTO_MAX);
        } else if (name == "nat" && nftnl_expr_get_u32(expression, NFTNL_EXPR_NAT_TYPE) == NFT_NAT_SNAT) {
            return range_in(expression, NFTNL_EXPR_NAT_REG_PROTO_MIN, NFTNL_EXPR_NAT_REG_PROTO_MAX);
        } else if (name == "target") {
            const std::string_view target = text_of(expression, NFTNL_EXPR_TG_NAME);
            if (target != "SNAT" && target != "MASQUERADE") continue;
            const auto to = xt_nat_target(expression);
            if (to && to->low_port != 0) return PortRange{to->low_port, to->high_port};
        }
    }
    return std::nullopt;
}

}  // namespace sipalg::nft
