#include "nft/accept_rules.hpp"

#include <endian.h>
#include <netinet/in.h>
// Kernel headers follow those of glibc.
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter_ipv4.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <fstream>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include "nft/forward_check.hpp"

namespace sipalg::nft {

namespace {

using State = AcceptPlace::State;

bool forwards(const ChainSeen& chain) {
    const bool ip =
        chain.family == NFPROTO_IPV4 || chain.family == NFPROTO_IPV6 || chain.family == NFPROTO_INET;
    return ip && chain.type == "filter" && chain.hook == NF_INET_FORWARD;
}

// Whether it may be a chain that drops packets of pinholes.
bool is_question(const ChainSeen& chain, const std::string& own_table) {
    return forwards(chain) && chain.priority != NF_IP_PRI_MANGLE &&
           !(chain.family == NFPROTO_INET && chain.place.table == own_table);
}

// The reason why the chain cannot have an accept rule; empty: it can.
std::string unsuitable(const ChainSeen& chain) {
    if (chain.type.empty()) return "not a base chain, so packets may not pass it";
    if (chain.type != "filter") return "a chain of type " + chain.type + ", not filter";
    if (!forwards(chain)) return "not a chain of the forward hook of ip, ip6 or inet";
    return {};
}

// Recognises chains of iptables-nft by the names of its base chains.
bool belongs_to_iptables(const AcceptIn& place) {
    static constexpr std::array tables{"filter", "mangle", "raw", "security"};
    return (place.family == "ip" || place.family == "ip6") && place.chain == "FORWARD" &&
           std::find(tables.begin(), tables.end(), place.table) != tables.end();
}

// Searches the chains that a base chain reaches for a verdict that drops.
class DropSearch {
  public:
    DropSearch(Link& link, const std::vector<RuleSeen>& rules) : link_(link) {
        for (const RuleSeen& rule : rules)
            rules_[rule.place].push_back(&rule);
    }

    bool drops(const ChainSeen& base) {
        if (base.drops) return true;
        std::set<std::string> seen{base.place.chain};
        std::vector<std::string> open{base.place.chain};
        while (!open.empty()) {
            const AcceptIn place{base.place.family, base.place.table, std::move(open.back())};
            open.pop_back();
            const auto visit = [&](const std::vector<std::string>& targets) {
                for (const std::string& target : targets)
                    if (seen.insert(target).second) open.push_back(target);
            };
            const auto rules = rules_.find(place);
            if (rules == rules_.end()) continue;
            for (const RuleSeen* rule : rules->second) {
                if (rule->drops) return true;
                visit(rule->targets);
                for (const std::string& map : rule->verdict_maps) {
                    const VerdictsSeen& verdicts = verdicts_of(base, map);
                    if (verdicts.drops) return true;
                    visit(verdicts.targets);
                }
            }
        }
        return false;
    }

  private:
    const VerdictsSeen& verdicts_of(const ChainSeen& base, const std::string& map) {
        const auto [at, added] = verdicts_.try_emplace({base.family, base.place.table, map});
        if (added) at->second = list_verdicts(link_, base.family, base.place.table, map);
        return at->second;
    }

    Link& link_;
    std::map<AcceptIn, std::vector<const RuleSeen*>> rules_;
    std::map<std::tuple<std::uint8_t, std::string, std::string>, VerdictsSeen> verdicts_;
};

// iptables-legacy has its own tables, to which nftables cannot add a rule.
bool has_legacy_filter(const std::string& path) {
    std::ifstream names(path);
    for (std::string name; names >> name;)
        if (name == "filter") return true;
    return false;
}

AcceptPlace legacy_place(const char* family, const char* command) {
    return {{family, "filter (legacy)", "FORWARD"},
            State::refused,
            "iptables-legacy has a FORWARD chain here, and nftables can't change it; if it can drop, add the "
            "rule "
            "`" +
                std::string(command) +
                " -I FORWARD -m conntrack --ctdir ORIGINAL -m connmark --mark 0x10000000/0x10000000 -j "
                "ACCEPT`"};
}

std::string not_permitted(const AcceptIn& place) {
    const std::string table = place.family + " " + place.table;
    if (place.table == "firewalld")
        return "table " + table +
               " takes rules only from firewalld; set NftablesTableOwner=no in /etc/firewalld/firewalld.conf "
               "and "
               "restart firewalld";
    return "table " + table +
           " takes rules only from the program that owns it; let that program add the rule `ct direction "
           "original "
           "ct mark & 0x10000000 == 0x10000000 accept`";
}

}  // namespace

std::vector<AcceptIn> chains_that_drop(Link& link, const std::vector<ChainSeen>& chains,
                                       const std::vector<RuleSeen>& rules, const std::string& except) {
    std::vector<AcceptIn> found;
    DropSearch search(link, rules);
    for (const ChainSeen& chain : chains)
        if (is_question(chain, except) && search.drops(chain)) found.push_back(chain.place);
    return found;
}

std::string describe(const AcceptIn& place) {
    return place.family + " " + place.table + " " + place.chain;
}

AcceptRules::AcceptRules(Link& link, const Settings& settings, std::string root)
    : link_(link),
      named_(settings.accept_in),
      automatic_(settings.accept_in_auto),
      table_(settings.table),
      comment_("sipalg:" + settings.table),
      root_(std::move(root)),
      sip_ports_(settings.sip_ports) {}

void AcceptRules::require_suitable() const {
    if (named_.empty()) return;
    const auto chains = list_chains(link_);
    for (const AcceptIn& wanted : named_) {
        const auto found = std::find_if(chains.begin(), chains.end(),
                                        [&](const ChainSeen& chain) { return chain.place == wanted; });
        if (found == chains.end() || unsuitable(*found).empty()) continue;
        std::string candidates;
        for (const ChainSeen& chain : chains)
            if (forwards(chain))
                candidates += (candidates.empty() ? "\"" : ", \"") + describe(chain.place) + '"';
        throw SettingsError("--accept-in \"" + describe(wanted) + "\": " + unsuitable(*found) + "; " +
                            (candidates.empty() ? "there is no chain that filters forwarded packets"
                                                : "chains that filter forwarded packets: " + candidates));
    }
}

std::vector<AcceptPlace> AcceptRules::find(const std::vector<ChainSeen>& chains,
                                           const std::vector<RuleSeen>& rules) const {
    std::vector<AcceptPlace> places;
    for (const AcceptIn& wanted : named_) {
        const auto found = std::find_if(chains.begin(), chains.end(),
                                        [&](const ChainSeen& chain) { return chain.place == wanted; });
        if (found == chains.end())
            places.push_back({wanted, State::absent, "there is no such chain; waiting for it"});
        else if (const std::string reason = unsuitable(*found); !reason.empty())
            places.push_back({wanted, State::refused, reason});
        else
            places.push_back({wanted, State::accepting, {}});
    }
    if (automatic_) {
        const auto dropping = chains_that_drop(link_, chains, rules, table_);
        for (const ChainSeen& chain : chains) {
            if (!is_question(chain, table_)) continue;
            const bool drops = std::find(dropping.begin(), dropping.end(), chain.place) != dropping.end();
            places.push_back({chain.place, drops ? State::accepting : State::needless,
                              drops ? std::string() : "the chain cannot drop"});
        }
        if (has_legacy_filter(root_ + "/proc/net/ip_tables_names"))
            places.push_back(legacy_place("ip", "iptables-legacy"));
        if (has_legacy_filter(root_ + "/proc/net/ip6_tables_names"))
            places.push_back(legacy_place("ip6", "ip6tables-legacy"));
    }
    std::stable_sort(places.begin(), places.end(),
                     [](const AcceptPlace& a, const AcceptPlace& b) { return a.place < b.place; });
    const auto same = [](const AcceptPlace& a, const AcceptPlace& b) { return a.place == b.place; };
    places.erase(std::unique(places.begin(), places.end(), same), places.end());
    return places;
}

void AcceptRules::follow() {
    update(true);
}

void AcceptRules::rehearse() {
    update(false);
}

void AcceptRules::update(bool commit) {
    const auto chains = list_chains(link_);
    const auto rules = list_rules(link_, table_);
    std::vector<AcceptPlace> places = find(chains, rules);
    offloading_ = chains_that_offload(link_, chains, rules, sip_ports_);
    any_offload_ = any_that_offloads(rules);
    source_ports_ = source_ports_of(rules);
    std::set<AcceptIn> present;
    for (const RuleSeen& rule : rules) {
        if (!is_ours(rule)) continue;
        const bool wanted = std::any_of(places.begin(), places.end(), [&](const AcceptPlace& place) {
            return place.state == State::accepting && place.place == rule.place;
        });
        if (wanted && rule.original_only && present.insert(rule.place).second) continue;
        // A refusal means that the rule or its chain no longer exists, or is in a table of another program.
        static_cast<void>(erase(rule, commit));
    }
    for (AcceptPlace& place : places) {
        const bool missing = place.state == State::accepting && !present.contains(place.place);
        if (missing) insert(place, commit);
        const bool inserted = missing && place.state == State::accepting;
        const bool known = std::find(followed_.begin(), followed_.end(), place) != followed_.end();
        if (commit && (inserted || !known)) news_.push_back(place);
    }
    places_ = std::move(places);
    if (commit) followed_ = places_;
}

Committed AcceptRules::erase(const RuleSeen& rule, bool commit) {
    Batch batch;
    nlmsghdr* message = batch.open(NFT_MSG_DELRULE, 0, rule.family, "deletion of an accept rule");
    mnl_attr_put_strz(message, NFTA_RULE_TABLE, rule.place.table.c_str());
    mnl_attr_put_strz(message, NFTA_RULE_CHAIN, rule.place.chain.c_str());
    mnl_attr_put_u64(message, NFTA_RULE_HANDLE, htobe64(rule.handle));
    return commit ? link_.commit(batch) : link_.rehearse(batch);
}

void AcceptRules::insert(AcceptPlace& place, bool commit) {
    const Rule accept = rule(place.place);
    Batch batch;
    accept.add_to(batch, place.place.table, place.place.chain, true);
    const Committed outcome = commit ? link_.commit(batch) : link_.rehearse(batch);
    if (outcome) return;
    place.state = outcome.error().error == ENOENT ? State::absent : State::refused;
    place.reason = outcome.error().error == EPERM ? not_permitted(place.place) : outcome.error().reason;
}

void AcceptRules::remove() {
    Committed outcome;
    // Read again if another program has changed the ruleset between reading and deleting.
    for (int tries = 0; tries < 5; ++tries) {
        outcome = {};
        for (const RuleSeen& rule : list_rules(link_, table_))
            if (is_ours(rule))
                if (auto erased = erase(rule, true); !erased) outcome = std::move(erased);
        if (outcome) return;
    }
    throw Error(outcome.error().reason);
}

std::vector<AcceptPlace> AcceptRules::take_news() {
    return std::exchange(news_, {});
}

Rule AcceptRules::rule(const AcceptIn& place) const {
    const Dialect dialect = belongs_to_iptables(place) ? Dialect::xtables : Dialect::nft;
    Rule rule(*family_number(place.family));
    rule.original_direction(dialect)
        .connection_marked(pinhole_mark, dialect)
        .comment(comment_, dialect)
        .accept();
    return rule;
}

}  // namespace sipalg::nft
