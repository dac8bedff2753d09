// A ruleset as `nft list ruleset` prints it, in parts that can be loaded one by one. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sipalg::testcall {

struct TableText {
    std::string family, name;
    std::string text;  ///< "table FAMILY NAME { ... }" with a line end
};

/// The tables in their order. Lines between them are comments, and left out.
std::vector<TableText> split_tables(std::string_view ruleset);

/// Without the rules that sipalgd has put into the owner's chains for its table `own`.
std::string without_accept_rules(std::string_view text, std::string_view own);

/// Whether nft could not print a part that iptables-nft has made, so that the text is not complete.
bool has_iptables_parts(std::string_view text);

/// Without flowtables, and without the rules that use them.
std::string without_flowtables(std::string_view text);

}  // namespace sipalg::testcall
