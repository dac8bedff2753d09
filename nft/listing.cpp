#include "nft/listing.hpp"

#include <libnftnl/chain.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <libnftnl/set.h>
#include <libnftnl/udata.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/xt_comment.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <new>
#include <string_view>
#include <utility>

#include "nft/nat_target.hpp"
#include "nft/rule.hpp"
#include "nft/set_elements.hpp"
#include "nft/table_reader.hpp"

namespace sipalg::nft {

namespace {

constexpr std::array<std::pair<std::uint8_t, const char*>, 6> families{{{NFPROTO_IPV4, "ip"},
                                                                        {NFPROTO_IPV6, "ip6"},
                                                                        {NFPROTO_INET, "inet"},
                                                                        {NFPROTO_ARP, "arp"},
                                                                        {NFPROTO_BRIDGE, "bridge"},
                                                                        {NFPROTO_NETDEV, "netdev"}}};

std::string comment_of(const nftnl_rule* rule) {
    std::uint32_t size = 0;
    const void* data = nftnl_rule_get_data(rule, NFTNL_RULE_USERDATA, &size);
    std::string comment;
    if (data == nullptr) return comment;
    nftnl_udata_parse(
        data, size,
        [](const nftnl_udata* attribute, void* out) {
            const auto length = nftnl_udata_len(attribute);
            if (nftnl_udata_type(attribute) == NFTNL_UDATA_RULE_COMMENT && length > 0)
                static_cast<std::string*>(out)->assign(static_cast<const char*>(nftnl_udata_get(attribute)),
                                                       length - 1U);
            return 0;
        },
        &comment);
    return comment;
}

// One name, or an array of them that ends with a null pointer.
std::vector<std::string> devices_of(const nftnl_chain* chain) {
    if (nftnl_chain_is_set(chain, NFTNL_CHAIN_DEV)) return {nftnl_chain_get_str(chain, NFTNL_CHAIN_DEV)};
    std::vector<std::string> devices;
    if (!nftnl_chain_is_set(chain, NFTNL_CHAIN_DEVICES)) return devices;
    const auto* names = static_cast<const char* const*>(nftnl_chain_get(chain, NFTNL_CHAIN_DEVICES));
    for (; names != nullptr && *names != nullptr; ++names)
        devices.emplace_back(*names);
    return devices;
}

// Text of at most `size` bytes that may lack its final zero.
std::string bounded_text(const void* data, std::size_t size) {
    const auto* text = static_cast<const char*>(data);
    return text == nullptr ? std::string() : std::string(text, strnlen(text, size));
}

const char* string_of(const nftnl_expr* expression, std::uint16_t attribute) {
    const char* text = nftnl_expr_get_str(expression, attribute);
    return text == nullptr ? "" : text;
}

void see_verdict(std::uint32_t verdict, const char* chain, bool& drops, std::vector<std::string>& targets) {
    const auto code = static_cast<std::int32_t>(verdict);
    if (code == NF_DROP) drops = true;
    if ((code == NFT_JUMP || code == NFT_GOTO) && chain != nullptr) targets.emplace_back(chain);
}

int see_expression(nftnl_expr* expression, void* data) {
    RuleSeen& rule = *static_cast<RuleSeen*>(data);
    const std::string_view name = string_of(expression, NFTNL_EXPR_NAME);
    if (name == "immediate" && nftnl_expr_is_set(expression, NFTNL_EXPR_IMM_VERDICT)) {
        see_verdict(nftnl_expr_get_u32(expression, NFTNL_EXPR_IMM_VERDICT),
                    nftnl_expr_get_str(expression, NFTNL_EXPR_IMM_CHAIN), rule.drops, rule.targets);
    } else if (name == "reject") {
        rule.drops = true;
    } else if (name == "flow_offload") {
        rule.offloads = true;
    } else if (name == "lookup" && nftnl_expr_is_set(expression, NFTNL_EXPR_LOOKUP_DREG) &&
               nftnl_expr_get_u32(expression, NFTNL_EXPR_LOOKUP_DREG) == NFT_REG_VERDICT) {
        rule.verdict_maps.emplace_back(string_of(expression, NFTNL_EXPR_LOOKUP_SET));
    } else if (name == "ct" && nftnl_expr_get_u32(expression, NFTNL_EXPR_CT_KEY) == NFT_CT_DIRECTION) {
        rule.original_only = true;
    } else if (name == "target") {
        const std::string_view target = string_of(expression, NFTNL_EXPR_TG_NAME);
        if (target == "REJECT" || target == "DROP") rule.drops = true;
        if (target == "FLOWOFFLOAD") rule.offloads = true;
    } else if (name == "match") {
        const std::string_view match = string_of(expression, NFTNL_EXPR_MT_NAME);
        if (match == "conntrack") rule.original_only = true;
        std::uint32_t size = 0;
        if (const void* info = nftnl_expr_get(expression, NFTNL_EXPR_MT_INFO, &size); match == "comment")
            rule.comment = bounded_text(info, size);
    }
    return 0;
}

}  // namespace

std::string family_name(std::uint8_t family) {
    for (const auto& [number, name] : families)
        if (number == family) return name;
    return "family " + std::to_string(family);
}

std::optional<std::uint8_t> family_number(const std::string& name) {
    for (const auto& [number, known] : families)
        if (name == known) return number;
    return std::nullopt;
}

std::vector<ChainSeen> list_chains(Link& link) {
    std::vector<ChainSeen> chains;
    link.list(NFT_MSG_GETCHAIN, NFPROTO_UNSPEC, {}, [&](const nlmsghdr* message) {
        std::unique_ptr<nftnl_chain, void (*)(const nftnl_chain*)> chain(nftnl_chain_alloc(),
                                                                         nftnl_chain_free);
        if (!chain) throw std::bad_alloc();
        if (nftnl_chain_nlmsg_parse(message, chain.get()) < 0) return;
        ChainSeen seen;
        seen.family = static_cast<std::uint8_t>(nftnl_chain_get_u32(chain.get(), NFTNL_CHAIN_FAMILY));
        seen.place = {family_name(seen.family), nftnl_chain_get_str(chain.get(), NFTNL_CHAIN_TABLE),
                      nftnl_chain_get_str(chain.get(), NFTNL_CHAIN_NAME)};
        if (nftnl_chain_is_set(chain.get(), NFTNL_CHAIN_HOOKNUM)) {
            seen.type = nftnl_chain_get_str(chain.get(), NFTNL_CHAIN_TYPE);
            seen.hook = nftnl_chain_get_u32(chain.get(), NFTNL_CHAIN_HOOKNUM);
            seen.priority = nftnl_chain_get_s32(chain.get(), NFTNL_CHAIN_PRIO);
            seen.drops = nftnl_chain_is_set(chain.get(), NFTNL_CHAIN_POLICY) &&
                         nftnl_chain_get_u32(chain.get(), NFTNL_CHAIN_POLICY) == NF_DROP;
            seen.devices = devices_of(chain.get());
        }
        chains.push_back(std::move(seen));
    });
    return chains;
}

std::vector<RuleSeen> list_rules(Link& link, const std::string& except) {
    std::vector<RuleSeen> rules;
    link.list(NFT_MSG_GETRULE, NFPROTO_UNSPEC, {}, [&](const nlmsghdr* message) {
        RuleHandle rule(nftnl_rule_alloc());
        if (!rule) throw std::bad_alloc();
        if (nftnl_rule_nlmsg_parse(message, rule.get()) < 0) return;
        RuleSeen seen;
        seen.family = static_cast<std::uint8_t>(nftnl_rule_get_u32(rule.get(), NFTNL_RULE_FAMILY));
        seen.place = {family_name(seen.family), nftnl_rule_get_str(rule.get(), NFTNL_RULE_TABLE),
                      nftnl_rule_get_str(rule.get(), NFTNL_RULE_CHAIN)};
        if (seen.family == NFPROTO_INET && seen.place.table == except) return;
        seen.handle = nftnl_rule_get_u64(rule.get(), NFTNL_RULE_HANDLE);
        seen.comment = comment_of(rule.get());
        nftnl_expr_foreach(rule.get(), see_expression, &seen);
        seen.source_ports = source_ports(expressions_of(rule.get()));
        rules.push_back(std::move(seen));
    });
    return rules;
}

bool any_that_offloads(const std::vector<RuleSeen>& rules) {
    return std::any_of(rules.begin(), rules.end(), [](const RuleSeen& rule) { return rule.offloads; });
}

std::vector<PortRange> source_ports_of(const std::vector<RuleSeen>& rules) {
    std::vector<PortRange> ranges;
    for (const RuleSeen& rule : rules)
        if (rule.source_ports) ranges.push_back(*rule.source_ports);
    std::sort(ranges.begin(), ranges.end());
    ranges.erase(std::unique(ranges.begin(), ranges.end()), ranges.end());
    return ranges;
}

VerdictsSeen list_verdicts(Link& link, std::uint8_t family, const std::string& table,
                           const std::string& map) {
    VerdictsSeen seen;
    each_set_element(link, family, table, map, [&](nftnl_set_elem* element) {
        if (nftnl_set_elem_is_set(element, NFTNL_SET_ELEM_VERDICT))
            see_verdict(nftnl_set_elem_get_u32(element, NFTNL_SET_ELEM_VERDICT),
                        nftnl_set_elem_get_str(element, NFTNL_SET_ELEM_CHAIN), seen.drops, seen.targets);
    });
    return seen;
}

std::size_t count_rules(Link& link, const std::string& table) {
    std::size_t count = 0;
    const auto narrow = [&](nlmsghdr* request) {
        mnl_attr_put_strz(request, NFTA_RULE_TABLE, table.c_str());
    };
    link.list(NFT_MSG_GETRULE, NFPROTO_INET, narrow, [&](const nlmsghdr*) { ++count; });
    return count;
}

}  // namespace sipalg::nft
