#include "alg/testcall/ruleset_text.hpp"

#include <doctest/doctest.h>

using namespace sipalg::testcall;

namespace {

constexpr const char* ruleset =
    "# Warning: table ip filter is managed by iptables-nft, do not touch!\n"
    "table ip filter {\n"
    "\tchain FORWARD {\n"
    "\t\ttype filter hook forward priority filter; policy drop;\n"
    "\t\tct direction original ct mark & 0x10000000 == 0x10000000 accept comment \"sipalg:sipalg\"\n"
    "\t\ttcp dport 22 accept comment \"sipalg:other\"\n"
    "\t}\n"
    "}\n"
    "table inet f {\n"
    "\tflowtable ft {\n"
    "\t\thook ingress priority filter\n"
    "\t\tdevices = { wan }\n"
    "\t}\n\n"
    "\tchain c {\n"
    "\t\ttype filter hook forward priority filter; policy accept;\n"
    "\t\tmeta l4proto udp flow add @ft\n"
    "\t\taccept\n"
    "\t}\n"
    "}\n";

}  // namespace

TEST_CASE("O3 the tables of a ruleset are copied one by one") {
    const auto tables = split_tables(ruleset);
    REQUIRE(tables.size() == 2);
    CHECK(tables[0].family == "ip");
    CHECK(tables[0].name == "filter");
    CHECK(tables[0].text.starts_with("table ip filter {\n"));
    CHECK(tables[0].text.ends_with("\n}\n"));
    CHECK(tables[1].name == "f");
    CHECK(split_tables("").empty());
    CHECK(split_tables("table ip a { # handle 1").size() == 1);
}

TEST_CASE("O3 A4 the copy has no accept rules of the running daemon: the second one makes its own") {
    const auto tables = split_tables(ruleset);
    const std::string text = without_accept_rules(tables[0].text, "sipalg");
    CHECK(text.find("0x10000000") == std::string::npos);
    CHECK(text.find("tcp dport 22 accept") != std::string::npos);
    CHECK(without_accept_rules(tables[0].text, "voice") == tables[0].text);
}

TEST_CASE("O3 a kernel that has no flowtables takes the table without them") {
    const auto tables = split_tables(ruleset);
    CHECK(without_flowtables(tables[1].text) ==
          "table inet f {\n\n\tchain c {\n\t\ttype filter hook forward priority filter; policy accept;\n"
          "\t\taccept\n\t}\n}\n");
    CHECK(without_flowtables(tables[0].text) == tables[0].text);
}

TEST_CASE("O3 rules of iptables that nft cannot print are known") {
    CHECK_FALSE(has_iptables_parts(ruleset));
    CHECK(has_iptables_parts(
        "table ip raw {\n\tchain PREROUTING {\n\t\tudp dport 5060 counter xt target \"CT\"\n\t}\n}\n"));
}
