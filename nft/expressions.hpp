// The expressions of rules as libnftnl makes them: loads into registers, comparisons, matches of x_tables.
//
// Each function appends one expression, or several that belong together, to the rule. All throw
// std::bad_alloc.
#pragma once

#include <libnftnl/rule.h>
#include <linux/netfilter/nf_conntrack_tuple_common.h>
#include <linux/netfilter/nf_tables.h>

#include <cstddef>
#include <cstdint>
#include <string_view>

struct nftnl_expr;

namespace sipalg::nft {

/// An expression without attributes. The rule owns it.
nftnl_expr* add(nftnl_rule* rule, const char* name);

// Loads into the register `reg`, or NFT_REG_1.
void load_meta(nftnl_rule* rule, std::uint32_t key, std::uint32_t reg);
void load_conntrack(nftnl_rule* rule, std::uint32_t key);
/// Of the tuple of one direction.
void load_tuple(nftnl_rule* rule, std::uint32_t key, ip_conntrack_dir direction, std::uint32_t reg);
/// `result` and `flags`: of `fib`.
void load_route(nftnl_rule* rule, std::uint32_t result, std::uint32_t flags);
void load_payload(nftnl_rule* rule, std::uint32_t base, std::uint32_t offset, std::uint32_t size,
                  std::uint32_t reg);

// These use NFT_REG_1.
void compare_bytes(nftnl_rule* rule, std::uint32_t operation, const void* value, std::uint32_t size);
template <class Value>
void compare(nftnl_rule* rule, std::uint32_t operation, Value value) {
    compare_bytes(rule, operation, &value, sizeof value);
}
/// Loads `key` and compares it.
template <class Value>
void compare_meta(nftnl_rule* rule, std::uint32_t key, std::uint32_t operation, Value value) {
    load_meta(rule, key, NFT_REG_1);
    compare(rule, operation, value);
}
void mask_and_xor_bytes(nftnl_rule* rule, const void* mask, const void* bits, std::uint32_t size);
/// `Value` is a number, or the bytes of an address.
template <class Value>
void mask_and_xor(nftnl_rule* rule, const Value& mask, const Value& bits) {
    mask_and_xor_bytes(rule, &mask, &bits, sizeof mask);
}
/// `bit`: of the states of a connection, as NF_CT_STATE_BIT() numbers them.
void require_state(nftnl_rule* rule, std::uint32_t bit);

/// NFT_REG_1 and those that follow it are a key of `set`, or are not.
void lookup(nftnl_rule* rule, std::string_view set, bool inverted);
/// Changes the element of `set` whose key begins in NFT_REG_1. `operation`: NFT_DYNSET_OP_*. The caller adds
/// timeout and data.
nftnl_expr* change_set(nftnl_rule* rule, std::string_view set, std::uint32_t operation);

/// `chain`: for NFT_JUMP and NFT_GOTO.
void verdict(nftnl_rule* rule, std::uint32_t code, std::string_view chain);

void set_info_bytes(nftnl_expr* expression, std::uint16_t attribute, const void* info, std::size_t size);
/// Sets the parameters of an x_tables match or target.
template <class Info>
void set_info(nftnl_expr* expression, std::uint16_t attribute, const Info& info) {
    set_info_bytes(expression, attribute, &info, sizeof info);
}

}  // namespace sipalg::nft
