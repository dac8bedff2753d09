// What the table is made of: its sets, chains and rules, as messages and as text. nft/sipalg.nft is the same
// for readers.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "nft/batch.hpp"
#include "nft/elements.hpp"
#include "nft/rule.hpp"
#include "nft/ruleset.hpp"
#include "nft/sets.hpp"

namespace sipalg::nft {

/// Comment of the table: says to people and to the next daemon that it is ours.
inline constexpr std::string_view table_comment = "made and removed by sipalgd";

using Names = std::set<std::string, std::less<>>;

/// NFPROTO_INET
inline constexpr std::uint8_t inet = 1;

struct Hook {
    const char* type;      ///< "filter", "nat"
    std::uint32_t number;  ///< NF_INET_…
    const char* name;
    std::int32_t priority;
    const char* priority_name;
};

struct ChainDefinition {
    ChainDefinition(std::string_view chain, std::optional<Hook> base) : name(chain), hook(base) {}
    /// A new rule at the end.
    Rule& add() { return rules.emplace_back(inet); }

    std::string_view name;
    std::optional<Hook> hook;  ///< nullopt: only reached from others
    std::vector<Rule> rules;
};

/// The table for given settings.
class Table {
  public:
    /// `origin`: where the kernel can count payload from; from the transport header it works for UDP only.
    Table(const Settings& settings, QueueMethod queue, Origin origin);

    void add_table(Batch& batch) const;
    /// Messages that make all sets but those in `present`, give those that hold settings their elements, and
    /// make all chains and rules. The batch refers to this object.
    void add_contents(Batch& batch, const Names& present) const;
    /// Messages that give the sets of settings that can change meanwhile (outside interfaces, allowed peers)
    /// their elements, in place of others.
    void replace_settings(Batch& batch) const;

    const std::vector<SetDefinition>& sets() const { return sets_; }
    std::string text() const;

  private:
    void add_chains(Batch& batch) const;

    std::string name_;
    std::vector<SetDefinition> sets_;
    std::vector<ChainDefinition> chains_;
};

}  // namespace sipalg::nft
