#include "nft/expressions.hpp"

#include <libnftnl/expr.h>
#include <linux/netfilter/nf_tables.h>

#include <cstdlib>
#include <cstring>
#include <new>
#include <string>

namespace sipalg::nft {

nftnl_expr* add(nftnl_rule* rule, const char* name) {
    nftnl_expr* expression = nftnl_expr_alloc(name);
    if (expression == nullptr) throw std::bad_alloc();
    nftnl_rule_add_expr(rule, expression);  // owned by the rule from here on
    return expression;
}

void load_meta(nftnl_rule* rule, std::uint32_t key, std::uint32_t reg) {
    auto* e = add(rule, "meta");
    nftnl_expr_set_u32(e, NFTNL_EXPR_META_KEY, key);
    nftnl_expr_set_u32(e, NFTNL_EXPR_META_DREG, reg);
}

void load_conntrack(nftnl_rule* rule, std::uint32_t key) {
    auto* e = add(rule, "ct");
    nftnl_expr_set_u32(e, NFTNL_EXPR_CT_KEY, key);
    nftnl_expr_set_u32(e, NFTNL_EXPR_CT_DREG, NFT_REG_1);
}

void load_tuple(nftnl_rule* rule, std::uint32_t key, ip_conntrack_dir direction, std::uint32_t reg) {
    auto* e = add(rule, "ct");
    nftnl_expr_set_u32(e, NFTNL_EXPR_CT_KEY, key);
    nftnl_expr_set_u8(e, NFTNL_EXPR_CT_DIR, static_cast<std::uint8_t>(direction));
    nftnl_expr_set_u32(e, NFTNL_EXPR_CT_DREG, reg);
}

void load_route(nftnl_rule* rule, std::uint32_t result, std::uint32_t flags) {
    auto* e = add(rule, "fib");
    nftnl_expr_set_u32(e, NFTNL_EXPR_FIB_RESULT, result);
    nftnl_expr_set_u32(e, NFTNL_EXPR_FIB_FLAGS, flags);
    nftnl_expr_set_u32(e, NFTNL_EXPR_FIB_DREG, NFT_REG_1);
}

void load_payload(nftnl_rule* rule, std::uint32_t base, std::uint32_t offset, std::uint32_t size,
                  std::uint32_t reg) {
    auto* e = add(rule, "payload");
    nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_BASE, base);
    nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_OFFSET, offset);
    nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_LEN, size);
    nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_DREG, reg);
}

void compare_bytes(nftnl_rule* rule, std::uint32_t operation, const void* value, std::uint32_t size) {
    auto* e = add(rule, "cmp");
    nftnl_expr_set_u32(e, NFTNL_EXPR_CMP_SREG, NFT_REG_1);
    nftnl_expr_set_u32(e, NFTNL_EXPR_CMP_OP, operation);
    nftnl_expr_set(e, NFTNL_EXPR_CMP_DATA, value, size);
}

void mask_and_xor_bytes(nftnl_rule* rule, const void* mask, const void* bits, std::uint32_t size) {
    auto* e = add(rule, "bitwise");
    nftnl_expr_set_u32(e, NFTNL_EXPR_BITWISE_SREG, NFT_REG_1);
    nftnl_expr_set_u32(e, NFTNL_EXPR_BITWISE_DREG, NFT_REG_1);
    nftnl_expr_set_u32(e, NFTNL_EXPR_BITWISE_LEN, size);
    nftnl_expr_set(e, NFTNL_EXPR_BITWISE_MASK, mask, size);
    nftnl_expr_set(e, NFTNL_EXPR_BITWISE_XOR, bits, size);
}

void require_state(nftnl_rule* rule, std::uint32_t bit) {
    load_conntrack(rule, NFT_CT_STATE);
    mask_and_xor(rule, bit, 0U);
    compare(rule, NFT_CMP_NEQ, std::uint32_t{0});
}

void lookup(nftnl_rule* rule, std::string_view set, bool inverted) {
    auto* e = add(rule, "lookup");
    nftnl_expr_set_u32(e, NFTNL_EXPR_LOOKUP_SREG, NFT_REG_1);
    nftnl_expr_set_str(e, NFTNL_EXPR_LOOKUP_SET, std::string(set).c_str());
    if (inverted) nftnl_expr_set_u32(e, NFTNL_EXPR_LOOKUP_FLAGS, NFT_LOOKUP_F_INV);
}

void verdict(nftnl_rule* rule, std::uint32_t code, std::string_view chain) {
    auto* e = add(rule, "immediate");
    nftnl_expr_set_u32(e, NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT);
    nftnl_expr_set_u32(e, NFTNL_EXPR_IMM_VERDICT, code);
    if (!chain.empty()) nftnl_expr_set_str(e, NFTNL_EXPR_IMM_CHAIN, std::string(chain).c_str());
}

nftnl_expr* change_set(nftnl_rule* rule, std::string_view set, std::uint32_t operation) {
    auto* e = add(rule, "dynset");
    nftnl_expr_set_u32(e, NFTNL_EXPR_DYNSET_SREG_KEY, NFT_REG_1);
    nftnl_expr_set_u32(e, NFTNL_EXPR_DYNSET_OP, operation);
    nftnl_expr_set_str(e, NFTNL_EXPR_DYNSET_SET_NAME, std::string(set).c_str());
    return e;
}

// The kernel expects the size of parameters rounded up (XT_ALIGN).
void set_info_bytes(nftnl_expr* expression, std::uint16_t attribute, const void* info, std::size_t size) {
    const auto rounded = static_cast<std::uint32_t>((size + 7) / 8 * 8);
    void* copy = std::calloc(1, rounded);
    if (copy == nullptr) throw std::bad_alloc();
    std::memcpy(copy, info, size);
    nftnl_expr_set(expression, attribute, copy, rounded);
}  // NOLINT(clang-analyzer-unix.Malloc): the expression owns and frees it

}  // namespace sipalg::nft
