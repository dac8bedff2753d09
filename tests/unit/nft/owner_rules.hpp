// Rules of an owner as libnftnl has them, without a kernel.
#pragma once

#include <doctest/doctest.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <netinet/in.h>
// Kernel headers follow those of glibc.
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "nft/forward_check.hpp"
#include "nft/table_reader.hpp"

namespace sipalg::nft {

using RuleBytes = std::vector<std::uint8_t>;

/// The chains and sets of one table, as the kernel would list them. The first chain is `forward`.
class Rules {
  public:
    /// Begins the next rule of `chain`.
    Rules& rule(const std::string& chain = "forward") {
        auto& rules = rules_[chain];
        rules.push_back({RuleHandle(nftnl_rule_alloc()), {}});
        rule_ = &rules.back();
        return *this;
    }
    Rules& rule(std::uint64_t handle) {
        rule();
        nftnl_rule_set_u64(rule_->handle.get(), NFTNL_RULE_HANDLE, handle);
        return *this;
    }
    /// `th sport` or `th dport` into register 1.
    Rules& port(bool destination) { return load(NFT_PAYLOAD_TRANSPORT_HEADER, destination ? 2 : 0, 2); }
    Rules& protocol() {
        nftnl_expr* load = add("meta");
        nftnl_expr_set_u32(load, NFTNL_EXPR_META_KEY, NFT_META_L4PROTO);
        nftnl_expr_set_u32(load, NFTNL_EXPR_META_DREG, NFT_REG_1);
        return *this;
    }
    Rules& compare(std::uint32_t operation, const RuleBytes& value) {
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

    /// `nat` or `redir`, of the destination.
    Rules& translate(const char* name) {
        nftnl_expr* nat = add(name);
        if (std::string_view(name) == "nat") nftnl_expr_set_u32(nat, NFTNL_EXPR_NAT_TYPE, NFT_NAT_DNAT);
        return *this;
    }
    /// `ether type` into register 1.
    Rules& ether_type() { return load(NFT_PAYLOAD_LL_HEADER, 12, 2); }
    /// `ip saddr` into register 1, which the walk does not know.
    Rules& source() { return load(NFT_PAYLOAD_NETWORK_HEADER, 12, 4); }
    /// They move into the table.
    TableReader table() { return {std::move(rules_), std::move(sets_)}; }
    bool offloads(const std::vector<std::uint16_t>& sip_ports = {5060}) {
        TableReader read = table();
        ChainSeen base;
        base.place = {"inet", "fw", "forward"};
        base.family = NFPROTO_INET;
        return offloads_signalling(read, base, sip_ports);
    }

  private:
    Rules& load(std::uint32_t base, std::uint32_t offset, std::uint32_t length) {
        nftnl_expr* payload = add("payload");
        nftnl_expr_set_u32(payload, NFTNL_EXPR_PAYLOAD_DREG, NFT_REG_1);
        nftnl_expr_set_u32(payload, NFTNL_EXPR_PAYLOAD_BASE, base);
        nftnl_expr_set_u32(payload, NFTNL_EXPR_PAYLOAD_OFFSET, offset);
        nftnl_expr_set_u32(payload, NFTNL_EXPR_PAYLOAD_LEN, length);
        return *this;
    }
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

inline const RuleBytes port_5060{0x13, 0xc4}, port_5061{0x13, 0xc5}, tcp{6}, udp{17}, icmp{1};

inline SetElement port(const RuleBytes& value) {
    return {value, value, {}, {}, {}};
}

}  // namespace sipalg::nft
