// The table's sets, chains and rules, as messages and as text. nft/sipalg.nft documents them.
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
#include "nft/sets.hpp"
#include "nft/settings.hpp"

namespace sipalg::nft {

/// The table's comment, which identifies it for people and for the next daemon.
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
    /// Adds a rule at the end.
    Rule& add() { return rules.emplace_back(inet); }

    std::string_view name;
    std::optional<Hook> hook;  ///< nullopt: not a base chain
    std::vector<Rule> rules;
};

/// The table for given settings.
class Table {
  public:
    /// `origin`: where offsets into the payload begin. The transport header only works for UDP.
    Table(const Settings& settings, QueueMethod queue, Origin origin);

    void add_table(Batch& batch) const;
    /// Adds messages that make all sets except those in `present`, fill the sets that hold settings, and make
    /// all objects, chains and rules. The batch refers to this object.
    void add_contents(Batch& batch, const Names& present) const;
    /// Adds messages that replace the elements of the sets whose settings can change at run time: outside
    /// interfaces, hosts with settings of their own.
    void replace_settings(Batch& batch) const;

    const std::vector<SetDefinition>& sets() const { return sets_; }
    std::string text() const;

  private:
    void add_chains(Batch& batch) const;

    std::string name_;
    bool keep_out_of_flowtables_;
    std::vector<SetDefinition> sets_;
    std::vector<ChainDefinition> chains_;
};

}  // namespace sipalg::nft
