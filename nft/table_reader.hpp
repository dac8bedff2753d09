// The rules and sets of one table of the owner, to be followed expression by expression.
#pragma once

// expr.h of libnftnl uses FILE, but does not include <cstdio>.
// clang-format off
#include <cstdio>
#include <libnftnl/expr.h>
// clang-format on

#include <cstdint>
#include <cstring>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "nft/link.hpp"
#include "nft/rule.hpp"

namespace sipalg::nft {

/// An attribute of an expression (NFTNL_EXPR_…), as bytes or as text; empty: it is not set.
std::span<const std::uint8_t> data_of(const nftnl_expr* expression, std::uint16_t attribute);
std::string_view text_of(const nftnl_expr* expression, std::uint16_t attribute);

/// The private data of a match or target of x_tables, as the structure of its revision. nullopt: it is too
/// short.
template <class T>
std::optional<T> info_of(const nftnl_expr* expression, std::uint16_t attribute) {
    const auto bytes = data_of(expression, attribute);
    if (bytes.size() < sizeof(T)) return std::nullopt;
    T info;
    std::memcpy(&info, bytes.data(), sizeof info);
    return info;
}

/// One element of a set or map: the range of its keys, and its data or verdict.
struct SetElement {
    std::vector<std::uint8_t> low, high;  ///< empty: any key
    std::vector<std::uint8_t> data;
    std::optional<std::int32_t> verdict;  ///< NF_… or NFT_…
    std::string chain;                    ///< of a verdict that jumps or goes there
};

class TableReader {
  public:
    using Expressions = std::vector<nftnl_expr*>;
    struct Rule {
        RuleHandle handle;
        Expressions expressions;  ///< of the handle
    };

    /// Reads all rules of the table at once. `family`: NFPROTO_…. Throws Error.
    TableReader(Link& link, std::uint8_t family, std::string table);

    /// For tests: uses the given rules and sets.
    TableReader(std::map<std::string, std::vector<Rule>> rules,
                std::map<std::string, std::vector<SetElement>> sets)
        : link_(nullptr), rules_(std::move(rules)), sets_(std::move(sets)) {}

    /// In their order; none if there is no such chain.
    const std::vector<Rule>& rules(const std::string& chain);
    /// Read at first use. Throws Error.
    const std::vector<SetElement>& elements(const std::string& set);

  private:
    Link* link_;
    std::uint8_t family_ = 0;
    std::string table_;
    std::map<std::string, std::vector<Rule>> rules_;
    std::map<std::string, std::vector<SetElement>> sets_;
};

/// In their order; the rule owns them.
TableReader::Expressions expressions_of(nftnl_rule* rule);

}  // namespace sipalg::nft
