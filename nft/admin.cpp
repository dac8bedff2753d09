#include "nft/admin.hpp"

#include <libnftnl/chain.h>
#include <libnftnl/rule.h>
#include <libnftnl/udata.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include <algorithm>
#include <array>
#include <memory>
#include <new>
#include <string_view>
#include <utility>

namespace sipalg::nft {

namespace {

constexpr std::array<std::pair<std::uint8_t, const char*>, 6> families{{{NFPROTO_IPV4, "ip"},
                                                                        {NFPROTO_IPV6, "ip6"},
                                                                        {NFPROTO_INET, "inet"},
                                                                        {NFPROTO_ARP, "arp"},
                                                                        {NFPROTO_BRIDGE, "bridge"},
                                                                        {NFPROTO_NETDEV, "netdev"}}};

std::string describe(const AcceptIn& place) {
    return place.family + " " + place.table + " " + place.chain;
}

bool forwards(const ChainSeen& chain) {
    return chain.type == "filter" && chain.hook == NF_INET_FORWARD;
}

// By the names that iptables-nft gives its base chains.
bool belongs_to_iptables(const AcceptIn& place) {
    return (place.family == "ip" || place.family == "ip6") &&
           (place.table == "filter" || place.table == "mangle" || place.table == "raw" ||
            place.table == "security") &&
           (place.chain == "FORWARD" || place.chain == "INPUT" || place.chain == "OUTPUT" ||
            place.chain == "PREROUTING" || place.chain == "POSTROUTING");
}

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
        }
        chains.push_back(std::move(seen));
    });
    return chains;
}

std::vector<AcceptIn> accepting_chains(Link& link, const Settings& settings) {
    std::vector<AcceptIn> places;
    if (settings.accept_in.empty() && !settings.accept_in_auto) return places;
    const auto chains = list_chains(link);
    for (const AcceptIn& wanted : settings.accept_in) {
        const auto found = std::find_if(chains.begin(), chains.end(),
                                        [&](const ChainSeen& chain) { return chain.place == wanted; });
        if (found == chains.end() || found->type != "filter") {
            std::string candidates;
            for (const ChainSeen& chain : chains)
                if (forwards(chain))
                    candidates += (candidates.empty() ? "\"" : ", \"") + describe(chain.place) + '"';
            throw Error("--accept-in \"" + describe(wanted) + "\": " +
                        (found == chains.end() ? "no such chain"
                         : found->type.empty() ? "not a base chain, so no packet need pass there"
                                               : "a chain of type " + found->type + ", not filter") +
                        "; " +
                        (candidates.empty() ? "there is no chain that filters forwarded packets"
                                            : "chains that filter forwarded packets: " + candidates));
        }
        if (std::find(places.begin(), places.end(), wanted) == places.end()) places.push_back(wanted);
    }
    if (settings.accept_in_auto)
        for (const ChainSeen& chain : chains)
            if (forwards(chain) && (chain.family == NFPROTO_IPV4 || chain.family == NFPROTO_INET) &&
                !(chain.family == NFPROTO_INET && chain.place.table == settings.table) &&
                std::find(places.begin(), places.end(), chain.place) == places.end())
                places.push_back(chain.place);
    return places;
}

std::string accepting_comment(const std::string& table) {
    return "sipalg:" + table;
}

Rule accepting_rule(const AcceptIn& place, const std::string& table) {
    Rule rule(*family_number(place.family));
    rule.connection_marked(pinhole_mark, belongs_to_iptables(place) ? Dialect::xtables : Dialect::nft)
        .accept()
        .comment(accepting_comment(table));
    return rule;
}

std::vector<RuleSeen> rules_with_comment(Link& link, const std::string& comment, const AcceptIn* chain) {
    std::vector<RuleSeen> rules;
    const auto narrow = [&](nlmsghdr* request) {
        if (chain == nullptr) return;
        mnl_attr_put_strz(request, NFTA_RULE_TABLE, chain->table.c_str());
        mnl_attr_put_strz(request, NFTA_RULE_CHAIN, chain->chain.c_str());
    };
    const auto family = chain == nullptr ? std::uint8_t{NFPROTO_UNSPEC} : *family_number(chain->family);
    link.list(NFT_MSG_GETRULE, family, narrow, [&](const nlmsghdr* message) {
        RuleHandle rule(nftnl_rule_alloc());
        if (!rule) throw std::bad_alloc();
        if (nftnl_rule_nlmsg_parse(message, rule.get()) < 0 || comment_of(rule.get()) != comment) return;
        rules.push_back({static_cast<std::uint8_t>(nftnl_rule_get_u32(rule.get(), NFTNL_RULE_FAMILY)),
                         nftnl_rule_get_str(rule.get(), NFTNL_RULE_TABLE),
                         nftnl_rule_get_str(rule.get(), NFTNL_RULE_CHAIN),
                         nftnl_rule_get_u64(rule.get(), NFTNL_RULE_HANDLE)});
    });
    return rules;
}

std::size_t count_rules(Link& link, const std::string& table) {
    std::size_t count = 0;
    const auto narrow = [&](nlmsghdr* request) {
        mnl_attr_put_strz(request, NFTA_RULE_TABLE, table.c_str());
    };
    link.list(NFT_MSG_GETRULE, NFPROTO_INET, narrow, [&](const nlmsghdr*) { ++count; });
    return count;
}

void delete_rule(Batch& batch, const RuleSeen& rule) {
    nlmsghdr* message = batch.open(NFT_MSG_DELRULE, 0, rule.family, "deletion of an accept rule");
    mnl_attr_put_strz(message, NFTA_RULE_TABLE, rule.table.c_str());
    mnl_attr_put_strz(message, NFTA_RULE_CHAIN, rule.chain.c_str());
    mnl_attr_put_u64(message, NFTA_RULE_HANDLE, htobe64(rule.handle));
}

}  // namespace sipalg::nft
