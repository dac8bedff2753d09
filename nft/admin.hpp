// The rest of the kernel's ruleset, which is the administrator's: looked at, and given one rule where asked.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "nft/link.hpp"
#include "nft/rule.hpp"
#include "nft/ruleset.hpp"

namespace sipalg::nft {

/// A chain as the kernel lists it.
struct ChainSeen {
    AcceptIn place;
    std::uint8_t family = 0;  ///< NFPROTO_…
    std::string type;         ///< empty: not a base chain
    std::uint32_t hook = 0;   ///< NF_INET_…
};

/// A rule with our comment.
struct RuleSeen {
    std::uint8_t family = 0;
    std::string table, chain;
    std::uint64_t handle = 0;
};

/// "ip", "inet" … of NFPROTO_…, and back; nullopt: none of nft's names.
std::string family_name(std::uint8_t family);
std::optional<std::uint8_t> family_number(const std::string& name);

std::vector<ChainSeen> list_chains(Link& link);

/// The chains in which to accept: those asked for, with `everywhere` also each base chain of type filter in
/// the forward hook of families ip and inet outside `own_table`. Throws Error for one that does not exist or
/// is no base chain; it names the chains that would do.
std::vector<AcceptIn> accepting_chains(Link& link, const Settings& settings);

/// The rule that accepts, in a chain that accepting_chains() found, what came through a pinhole of the table.
Rule accepting_rule(const AcceptIn& place, const std::string& table);
/// Its comment, by which it is found again.
std::string accepting_comment(const std::string& table);

/// Rules that carry the comment: in one chain, or in all.
std::vector<RuleSeen> rules_with_comment(Link& link, const std::string& comment,
                                         const AcceptIn* chain = nullptr);
/// How many rules a table of family inet has.
std::size_t count_rules(Link& link, const std::string& table);
/// Adds the message that deletes the rule.
void delete_rule(Batch& batch, const RuleSeen& rule);

}  // namespace sipalg::nft
