#include "nft/xtables.hpp"

#include <libnftnl/expr.h>
#include <linux/netfilter/xt_NFQUEUE.h>
#include <linux/netfilter/xt_comment.h>
#include <linux/netfilter/xt_connmark.h>
#include <linux/netfilter/xt_conntrack.h>

#include <algorithm>

#include "nft/expressions.hpp"

namespace sipalg::nft {

namespace {

template <class Info>
void add_match(nftnl_rule* rule, const char* name, std::uint32_t revision, const Info& info) {
    auto* e = add(rule, "match");
    nftnl_expr_set_str(e, NFTNL_EXPR_MT_NAME, name);
    nftnl_expr_set_u32(e, NFTNL_EXPR_MT_REV, revision);
    set_info(e, NFTNL_EXPR_MT_INFO, info);
}

}  // namespace

void match_connmark(nftnl_rule* rule, std::uint32_t bit) {
    add_match(rule, "connmark", 1, xt_connmark_mtinfo1{bit, bit, 0});
}

void match_original_direction(nftnl_rule* rule) {
    xt_conntrack_mtinfo3 info{};
    info.match_flags = XT_CONNTRACK_DIRECTION;
    add_match(rule, "conntrack", 3, info);
}

void match_comment(nftnl_rule* rule, std::string_view text) {
    xt_comment_info info{};
    std::copy_n(text.begin(), std::min(text.size(), sizeof info.comment - 1), info.comment);
    add_match(rule, "comment", 0, info);
}

void target_nfqueue(nftnl_rule* rule, std::uint16_t number, std::uint16_t total, bool bypass) {
    auto* e = add(rule, "target");
    nftnl_expr_set_str(e, NFTNL_EXPR_TG_NAME, "NFQUEUE");
    nftnl_expr_set_u32(e, NFTNL_EXPR_TG_REV, 3);
    set_info(e, NFTNL_EXPR_TG_INFO,
             xt_NFQ_info_v3{number, total, static_cast<std::uint16_t>(bypass ? NFQ_FLAG_BYPASS : 0)});
}

}  // namespace sipalg::nft
