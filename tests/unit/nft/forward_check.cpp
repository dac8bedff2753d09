#include "nft/forward_check.hpp"

#include <doctest/doctest.h>
#include <libnftnl/expr.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include <map>

using namespace sipalg::nft;

namespace {

using Bytes = std::vector<std::uint8_t>;

/// One chain, `forward`, and its table, as the kernel would list them.
class Rules {
  public:
    /// Begins the next rule of `chain`.
    Rules& rule(const std::string& chain = "forward") {
        auto& rules = rules_[chain];
        rules.push_back({RuleHandle(nftnl_rule_alloc()), {}});
        rule_ = &rules.back();
        return *this;
    }
    /// `th sport` or `th dport` into register 1.
    Rules& port(bool destination) {
        nftnl_expr* load = add("payload");
        nftnl_expr_set_u32(load, NFTNL_EXPR_PAYLOAD_DREG, NFT_REG_1);
        nftnl_expr_set_u32(load, NFTNL_EXPR_PAYLOAD_BASE, NFT_PAYLOAD_TRANSPORT_HEADER);
        nftnl_expr_set_u32(load, NFTNL_EXPR_PAYLOAD_OFFSET, destination ? 2 : 0);
        nftnl_expr_set_u32(load, NFTNL_EXPR_PAYLOAD_LEN, 2);
        return *this;
    }
    Rules& protocol() {
        nftnl_expr* load = add("meta");
        nftnl_expr_set_u32(load, NFTNL_EXPR_META_KEY, NFT_META_L4PROTO);
        nftnl_expr_set_u32(load, NFTNL_EXPR_META_DREG, NFT_REG_1);
        return *this;
    }
    Rules& compare(std::uint32_t operation, const Bytes& value) {
        nftnl_expr* compare = add("cmp");
        nftnl_expr_set_u32(compare, NFTNL_EXPR_CMP_SREG, NFT_REG_1);
        nftnl_expr_set_u32(compare, NFTNL_EXPR_CMP_OP, operation);
        nftnl_expr_set(compare, NFTNL_EXPR_CMP_DATA, value.data(), static_cast<std::uint32_t>(value.size()));
        return *this;
    }
    Rules& look_up(const std::string& set, bool inverted) {
        nftnl_expr* look_up = add("lookup");
        nftnl_expr_set_u32(look_up, NFTNL_EXPR_LOOKUP_SREG, NFT_REG_1);
        nftnl_expr_set_str(look_up, NFTNL_EXPR_LOOKUP_SET, set.c_str());
        nftnl_expr_set_u32(look_up, NFTNL_EXPR_LOOKUP_FLAGS, inverted ? NFT_LOOKUP_F_INV : 0);
        return *this;
    }
    Rules& verdict(std::int32_t code, const char* chain = nullptr) {
        nftnl_expr* verdict = add("immediate");
        nftnl_expr_set_u32(verdict, NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT);
        nftnl_expr_set_u32(verdict, NFTNL_EXPR_IMM_VERDICT, static_cast<std::uint32_t>(code));
        if (chain != nullptr) nftnl_expr_set_str(verdict, NFTNL_EXPR_IMM_CHAIN, chain);
        return *this;
    }
    Rules& flow_add() {
        nftnl_expr_set_str(add("flow_offload"), NFTNL_EXPR_FLOW_TABLE_NAME, "ft");
        return *this;
    }
    Rules& set(const std::string& name, const std::vector<SetElement>& elements) {
        sets_[name] = elements;
        return *this;
    }

    bool offloads(const std::vector<std::uint16_t>& sip_ports = {5060}) {
        TableReader table(std::move(rules_), std::move(sets_));
        ChainSeen base;
        base.place = {"inet", "fw", "forward"};
        base.family = NFPROTO_INET;
        return offloads_signalling(table, base, sip_ports);
    }

  private:
    nftnl_expr* add(const char* name) {
        nftnl_expr* expression = nftnl_expr_alloc(name);
        REQUIRE(expression != nullptr);
        nftnl_rule_add_expr(rule_->handle.get(), expression);
        rule_->expressions.push_back(expression);
        return expression;
    }
    std::map<std::string, std::vector<TableReader::Rule>> rules_;
    std::map<std::string, std::vector<SetElement>> sets_;
    TableReader::Rule* rule_ = nullptr;
};

const Bytes port_5060{0x13, 0xc4}, port_5061{0x13, 0xc5}, tcp{6}, udp{17}, icmp{1};

SetElement port(const Bytes& value) {
    return {value, value, {}, {}, {}};
}

}  // namespace

TEST_CASE("A8 a flowtable takes signalling unless a rule before it exempts both directions") {
    CHECK_FALSE(Rules().rule().verdict(NF_ACCEPT).offloads());
    CHECK(Rules().rule().flow_add().offloads());
    // The exemption that status and doctor print.
    const std::vector<SetElement> sip{port(port_5060), port(port_5061)};
    CHECK_FALSE(Rules()
                    .set("sip", sip)
                    .rule()
                    .port(true)
                    .look_up("sip", true)
                    .port(false)
                    .look_up("sip", true)
                    .flow_add()
                    .offloads());
    CHECK(Rules().set("sip", sip).rule().port(true).look_up("sip", true).flow_add().offloads());
    CHECK(Rules()
              .set("sip", sip)
              .rule()
              .port(true)
              .look_up("sip", true)
              .port(false)
              .look_up("sip", true)
              .flow_add()
              .offloads({5080}));
}

TEST_CASE("A8 signalling that leaves the chain before the flowtable is not offloaded") {
    CHECK_FALSE(Rules()
                    .rule()
                    .port(true)
                    .compare(NFT_CMP_EQ, port_5060)
                    .verdict(NF_ACCEPT)
                    .rule()
                    .port(false)
                    .compare(NFT_CMP_EQ, port_5060)
                    .verdict(NF_ACCEPT)
                    .rule()
                    .flow_add()
                    .offloads());
    CHECK(Rules()
              .rule()
              .port(true)
              .compare(NFT_CMP_EQ, port_5060)
              .verdict(NF_ACCEPT)
              .rule()
              .flow_add()
              .offloads());
    CHECK_FALSE(Rules().rule().protocol().compare(NFT_CMP_EQ, icmp).flow_add().offloads());
    CHECK(Rules().rule().protocol().compare(NFT_CMP_EQ, tcp).flow_add().offloads());
    CHECK(Rules()
              .rule()
              .protocol()
              .compare(NFT_CMP_EQ, udp)
              .verdict(NFT_JUMP, "fast")
              .rule("fast")
              .flow_add()
              .offloads());
    // Ports from 5061 on, in both directions.
    CHECK_FALSE(Rules()
                    .rule()
                    .port(true)
                    .compare(NFT_CMP_GTE, port_5061)
                    .port(false)
                    .compare(NFT_CMP_GTE, port_5061)
                    .flow_add()
                    .offloads());
}

TEST_CASE("A8 the exemption names at least two ports, because nft 1.0.6 merges two compares of one") {
    CHECK(offload_exemption(std::vector<std::uint16_t>{5060}) ==
          "th dport != { 5060, 5061 } th sport != { 5060, 5061 }");
    CHECK(offload_exemption(std::vector<std::uint16_t>{5060, 5080, 5070}) ==
          "th dport != { 5060, 5080, 5070 } th sport != { 5060, 5080, 5070 }");
}
