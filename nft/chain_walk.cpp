#include "nft/chain_walk.hpp"

#include <arpa/inet.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <linux/if_ether.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/xt_CT.h>
#include <linux/netfilter/xt_connmark.h>
#include <linux/netfilter/xt_conntrack.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <span>
#include <string_view>

#include "nft/settings.hpp"

namespace sipalg::nft {

namespace {

constexpr int most_jumps = 16;  // NFT_JUMP_STACK_SIZE
constexpr int most_steps = 100'000;

template <class T>
std::span<const std::uint8_t> bytes_of(const T& value) {
    return {reinterpret_cast<const std::uint8_t*>(&value), sizeof value};
}

std::uint16_t ether_type(std::uint8_t family) {
    return htons(family == NFPROTO_IPV4 ? ETH_P_IP : ETH_P_IPV6);
}

}  // namespace

ChainResult ChainWalk::follow(const std::string& chain, int jumps) {
    if (jumps > most_jumps) return ChainResult::go_on;
    for (const TableReader::Rule& rule : reader_.rules(chain)) {
        if (++steps_ > most_steps) return ChainResult::go_on;
        if (jumps == 0) outcome.handle = nftnl_rule_get_u64(rule.handle.get(), NFTNL_RULE_HANDLE);
        registers_.clear();
        Match held = Match::yes;
        for (const nftnl_expr* expression : rule.expressions) {
            mapped_.reset();
            const Match match = step(expression);
            if (match == Match::no) break;
            if (match == Match::open) held = Match::open;
            std::optional<ChainResult> way;
            const std::string_view name = text_of(expression, NFTNL_EXPR_NAME);
            note_effects(expression, held);
            if (mapped_) {
                const auto [verdict, target] = *mapped_;
                way = decide(verdict, target, held, jumps);
            } else if (name == "immediate" && nftnl_expr_is_set(expression, NFTNL_EXPR_IMM_VERDICT)) {
                way =
                    decide(static_cast<std::int32_t>(nftnl_expr_get_u32(expression, NFTNL_EXPR_IMM_VERDICT)),
                           std::string(text_of(expression, NFTNL_EXPR_IMM_CHAIN)), held, jumps);
            } else if (name == "reject") {
                way = decide(NF_DROP, {}, held, jumps);
            } else if (name == "target") {
                const std::string_view target = text_of(expression, NFTNL_EXPR_TG_NAME);
                if (target == "REJECT" || target == "DROP") way = decide(NF_DROP, {}, held, jumps);
            }
            if (way) return *way;
        }
    }
    return ChainResult::go_on;
}

void ChainWalk::note_effects(const nftnl_expr* expression, Match held) {
    const std::string_view name = text_of(expression, NFTNL_EXPR_NAME);
    const std::string_view target = name == "target" ? text_of(expression, NFTNL_EXPR_TG_NAME) : "";
    if (name == "flow_offload" || target == "FLOWOFFLOAD") offloads = true;
    bool untracks = name == "notrack" || target == "NOTRACK";
    if (target == "CT") {
        const auto info = info_of<xt_ct_target_info_v1>(expression, NFTNL_EXPR_TG_INFO);
        untracks = info && (info->flags & XT_CT_NOTRACK) != 0;
    }
    if (untracks && untracked_by == 0) untracked_by = outcome.handle;
    const bool translates =
        name == "redir" || target == "DNAT" || target == "REDIRECT" ||
        (name == "nat" && nftnl_expr_get_u32(expression, NFTNL_EXPR_NAT_TYPE) == NFT_NAT_DNAT);
    if (translates && translated_by == 0) translated_by = outcome.handle;
    if (held == Match::yes && mark_cleared_by == 0 && clears_mark(expression))
        mark_cleared_by = outcome.handle;
}

bool ChainWalk::clears_mark(const nftnl_expr* expression) const {
    if (!packet_.mark || (*packet_.mark & pinhole_mark) == 0) return false;
    const std::string_view name = text_of(expression, NFTNL_EXPR_NAME);
    if (name == "target" && text_of(expression, NFTNL_EXPR_TG_NAME) == "CONNMARK") {
        const auto info = info_of<xt_connmark_tginfo1>(expression, NFTNL_EXPR_TG_INFO);
        return info && info->mode == XT_CONNMARK_SET && (info->ctmask & pinhole_mark) != 0 &&
               (info->ctmark & pinhole_mark) == 0;
    }
    if (name != "ct" || !nftnl_expr_is_set(expression, NFTNL_EXPR_CT_SREG) ||
        nftnl_expr_get_u32(expression, NFTNL_EXPR_CT_KEY) != NFT_CT_MARK)
        return false;
    std::uint32_t mark = 0;
    const Bytes value = registers_.get(nftnl_expr_get_u32(expression, NFTNL_EXPR_CT_SREG), sizeof mark);
    std::array<std::uint8_t, sizeof mark> bytes{};
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        if (!value[i]) return false;
        bytes[i] = *value[i];
    }
    std::memcpy(&mark, bytes.data(), sizeof mark);
    return (mark & pinhole_mark) == 0;
}

// nullopt: continue with the next rule.
std::optional<ChainResult> ChainWalk::decide(std::int32_t verdict, const std::string& chain, Match held,
                                             int jumps) {
    const auto noted = [&](ChainResult way) -> std::optional<ChainResult> {
        if (held == Match::yes) return way;
        (way == ChainResult::accept ? outcome.may_accept : outcome.may_drop) = true;
        return std::nullopt;
    };
    switch (verdict) {
        case NF_ACCEPT:
        case NF_QUEUE: return noted(ChainResult::accept);
        case NF_DROP: return noted(ChainResult::drop);
        case NFT_RETURN: return held == Match::yes ? std::optional(ChainResult::go_on) : std::nullopt;
        case NFT_JUMP:
        case NFT_GOTO: {
            const auto registers = registers_;
            const ChainResult way = follow(chain, jumps + 1);
            registers_ = registers;
            if (way != ChainResult::go_on) return noted(way);
            return verdict == NFT_GOTO && held == Match::yes ? std::optional(ChainResult::go_on)
                                                             : std::nullopt;
        }
        default: return std::nullopt;
    }
}

ChainWalk::Match ChainWalk::step(const nftnl_expr* expression) {
    const std::string_view name = text_of(expression, NFTNL_EXPR_NAME);
    const auto open = [&](std::uint16_t reg) {
        registers_.put(nftnl_expr_get_u32(expression, reg), {}, 16);
        return Match::yes;
    };
    if (name == "meta" && nftnl_expr_is_set(expression, NFTNL_EXPR_META_DREG)) {
        load_meta(expression);
    } else if (name == "ct" && nftnl_expr_is_set(expression, NFTNL_EXPR_CT_DREG)) {
        load_conntrack(expression);
    } else if (name == "payload" && nftnl_expr_is_set(expression, NFTNL_EXPR_PAYLOAD_DREG)) {
        load_payload(expression);
    } else if (name == "immediate" && !nftnl_expr_is_set(expression, NFTNL_EXPR_IMM_VERDICT)) {
        const auto data = data_of(expression, NFTNL_EXPR_IMM_DATA);
        registers_.put(nftnl_expr_get_u32(expression, NFTNL_EXPR_IMM_DREG), data, data.size());
    } else if (name == "bitwise") {
        mask(expression);
    } else if (name == "cmp") {
        return compare(expression);
    } else if (name == "lookup") {
        return look_up(expression);
    } else if (name == "match") {
        return match(expression);
    } else if (name == "fib") {
        return open(NFTNL_EXPR_FIB_DREG);
    } else if (name == "hash") {
        return open(NFTNL_EXPR_HASH_DREG);
    } else if (name == "numgen") {
        return open(NFTNL_EXPR_NG_DREG);
    } else if (name == "byteorder") {
        return open(NFTNL_EXPR_BYTEORDER_DREG);
    } else if (name == "range") {
        return in_range(expression);
    } else if (name == "limit" || name == "connlimit" || name == "quota" || name == "rt" ||
               name == "socket" || name == "exthdr") {
        return Match::open;
    }
    return Match::yes;
}

void ChainWalk::load_meta(const nftnl_expr* expression) {
    const std::uint32_t to = nftnl_expr_get_u32(expression, NFTNL_EXPR_META_DREG);
    const auto name = [&](const std::string& text) {
        std::array<std::uint8_t, 16> padded{};
        std::copy_n(text.begin(), std::min<std::size_t>(text.size(), 15), padded.begin());
        registers_.put(to, text.empty() ? std::span<const std::uint8_t>() : padded, 16);
    };
    switch (nftnl_expr_get_u32(expression, NFTNL_EXPR_META_KEY)) {
        case NFT_META_NFPROTO: return registers_.put(to, bytes_of(packet_.family), 16);
        case NFT_META_L4PROTO: return registers_.put(to, bytes_of(packet_.transport), 16);
        case NFT_META_PROTOCOL: return registers_.put(to, bytes_of(ether_type(packet_.family)), 16);
        case NFT_META_IIFNAME: return name(packet_.from);
        case NFT_META_OIFNAME: return name(packet_.to);
        default: registers_.put(to, {}, 16);
    }
}

void ChainWalk::load_conntrack(const nftnl_expr* expression) {
    const std::uint32_t to = nftnl_expr_get_u32(expression, NFTNL_EXPR_CT_DREG);
    const auto known = [&](const auto& value) {
        registers_.put(to, value ? bytes_of(*value) : std::span<const std::uint8_t>(), 16);
    };
    switch (nftnl_expr_get_u32(expression, NFTNL_EXPR_CT_KEY)) {
        case NFT_CT_STATE: return registers_.put(to, bytes_of(packet_.state), 16);
        case NFT_CT_STATUS: return known(packet_.status);
        case NFT_CT_MARK: return known(packet_.mark);
        case NFT_CT_DIRECTION: return known(packet_.direction);
        default: registers_.put(to, {}, 16);
    }
}

void ChainWalk::load_payload(const nftnl_expr* expression) {
    const std::uint32_t base = nftnl_expr_get_u32(expression, NFTNL_EXPR_PAYLOAD_BASE);
    const std::uint32_t offset = nftnl_expr_get_u32(expression, NFTNL_EXPR_PAYLOAD_OFFSET);
    const std::uint32_t size = nftnl_expr_get_u32(expression, NFTNL_EXPR_PAYLOAD_LEN);
    const std::uint32_t to = nftnl_expr_get_u32(expression, NFTNL_EXPR_PAYLOAD_DREG);
    registers_.put(to, {}, 16);
    if (base == NFT_PAYLOAD_NETWORK_HEADER && offset == (packet_.family == NFPROTO_IPV4 ? 9U : 6U) &&
        size == 1)
        registers_.put(to, bytes_of(packet_.transport), 1);
    if (base == NFT_PAYLOAD_LL_HEADER && offset == 12 && size == 2)
        registers_.put(to, bytes_of(ether_type(packet_.family)), 2);
    if (base != NFT_PAYLOAD_TRANSPORT_HEADER || size != 2 || (offset != 0 && offset != 2)) return;
    const auto& port = offset == 0 ? packet_.source_port : packet_.destination_port;
    if (!port) return;
    const std::uint16_t in_network_order = htons(*port);
    registers_.put(to, bytes_of(in_network_order), 2);
}

void ChainWalk::mask(const nftnl_expr* expression) {
    registers_.mask(nftnl_expr_get_u32(expression, NFTNL_EXPR_BITWISE_SREG),
                    nftnl_expr_get_u32(expression, NFTNL_EXPR_BITWISE_DREG),
                    nftnl_expr_get_u32(expression, NFTNL_EXPR_BITWISE_LEN),
                    data_of(expression, NFTNL_EXPR_BITWISE_MASK),
                    data_of(expression, NFTNL_EXPR_BITWISE_XOR));
}

ChainWalk::Match ChainWalk::compare(const nftnl_expr* expression) {
    const auto data = data_of(expression, NFTNL_EXPR_CMP_DATA);
    const Bytes value = registers_.get(nftnl_expr_get_u32(expression, NFTNL_EXPR_CMP_SREG), data.size());
    const std::uint32_t operation = nftnl_expr_get_u32(expression, NFTNL_EXPR_CMP_OP);
    bool differs = false, open = false;
    for (std::size_t i = 0; i < data.size(); ++i) {
        open = open || !value[i];
        differs = differs || (value[i] && *value[i] != data[i]);
    }
    if (!open && operation != NFT_CMP_EQ && operation != NFT_CMP_NEQ) {
        const int order = compare_numbers(value, data);
        const bool holds = operation == NFT_CMP_LT    ? order < 0
                           : operation == NFT_CMP_LTE ? order <= 0
                           : operation == NFT_CMP_GT  ? order > 0
                                                      : order >= 0;
        return holds ? Match::yes : Match::no;
    }
    if (operation == NFT_CMP_EQ) return differs ? Match::no : open ? Match::open : Match::yes;
    if (operation == NFT_CMP_NEQ) return differs ? Match::yes : open ? Match::open : Match::no;
    return Match::open;
}

ChainWalk::Match ChainWalk::in_range(const nftnl_expr* expression) {
    const auto low = data_of(expression, NFTNL_EXPR_RANGE_FROM_DATA);
    const auto high = data_of(expression, NFTNL_EXPR_RANGE_TO_DATA);
    const Bytes value = registers_.get(nftnl_expr_get_u32(expression, NFTNL_EXPR_RANGE_SREG), low.size());
    if (std::find(value.begin(), value.end(), std::nullopt) != value.end()) return Match::open;
    const bool inside = compare_numbers(value, low) >= 0 && compare_numbers(value, high) <= 0;
    const bool wanted = nftnl_expr_get_u32(expression, NFTNL_EXPR_RANGE_OP) == NFT_RANGE_EQ;
    return inside == wanted ? Match::yes : Match::no;
}

ChainWalk::Match ChainWalk::look_up(const nftnl_expr* expression) {
    const bool is_map = nftnl_expr_is_set(expression, NFTNL_EXPR_LOOKUP_DREG);
    const std::uint32_t to = is_map ? nftnl_expr_get_u32(expression, NFTNL_EXPR_LOOKUP_DREG) : 0;
    const bool inverted = nftnl_expr_is_set(expression, NFTNL_EXPR_LOOKUP_FLAGS) &&
                          (nftnl_expr_get_u32(expression, NFTNL_EXPR_LOOKUP_FLAGS) & NFT_LOOKUP_F_INV) != 0;
    const std::uint32_t from = nftnl_expr_get_u32(expression, NFTNL_EXPR_LOOKUP_SREG);
    Match found = Match::no;
    const auto& all = reader_.elements(std::string(text_of(expression, NFTNL_EXPR_LOOKUP_SET)));
    for (const SetElement& element : all) {
        const Bytes key = registers_.get(from, element.low.size());
        const bool open = std::find(key.begin(), key.end(), std::nullopt) != key.end();
        bool outside = false;
        for (std::size_t i = 0; i < key.size(); ++i)
            if (key[i] && element.low == element.high && *key[i] != element.low[i]) outside = true;
        if (!open && (compare_numbers(key, element.low) < 0 || compare_numbers(key, element.high) > 0))
            outside = true;
        if (outside) continue;
        // A range of several fields is not one of numbers.
        if (open || (element.low != element.high && key.size() > 4)) {
            found = Match::open;
            continue;
        }
        if (is_map && to == NFT_REG_VERDICT)
            mapped_ = {element.verdict.value_or(NFT_CONTINUE), element.chain};
        else if (is_map)
            registers_.put(to, element.data, element.data.size());
        found = Match::yes;
        break;
    }
    // A verdict map with several elements: none is certain to match, and if none does, the packet continues.
    if (found == Match::open && is_map && to == NFT_REG_VERDICT) {
        for (const SetElement& element : all) {
            if (element.verdict == NF_DROP) outcome.may_drop = true;
            if (element.verdict == NF_ACCEPT) outcome.may_accept = true;
        }
    }
    if (found == Match::open && is_map) registers_.put(to, {}, 16);
    if (!inverted) return found;
    return found == Match::yes ? Match::no : found == Match::no ? Match::yes : Match::open;
}

// Matches of x_tables that iptables-nft does not translate to expressions.
ChainWalk::Match ChainWalk::match(const nftnl_expr* expression) const {
    const std::string_view name = text_of(expression, NFTNL_EXPR_MT_NAME);
    if (name == "comment") return Match::yes;
    if (name == "udp" && packet_.transport != IPPROTO_UDP) return Match::no;
    if (name == "tcp" && packet_.transport != IPPROTO_TCP) return Match::no;
    if (name == "connmark") {
        const auto info = info_of<xt_connmark_mtinfo1>(expression, NFTNL_EXPR_MT_INFO);
        if (!info || !packet_.mark) return Match::open;
        return ((*packet_.mark & info->mask) == info->mark) != (info->invert != 0) ? Match::yes : Match::no;
    }
    if (name != "conntrack") return Match::open;
    const auto info = info_of<xt_conntrack_mtinfo3>(expression, NFTNL_EXPR_MT_INFO);
    if (!info) return Match::open;
    // Each condition of this match must hold.
    Match all = Match::yes;
    for (unsigned flag = 1; flag <= XT_CONNTRACK_DIRECTION; flag <<= 1) {
        if ((info->match_flags & flag) == 0) continue;
        const bool inverted = (info->invert_flags & flag) != 0;
        if (flag == XT_CONNTRACK_STATE) {
            unsigned state = packet_.state;  // the same bits as in nft
            if (packet_.status && (*packet_.status & IPS_DST_NAT) != 0) state |= XT_CONNTRACK_STATE_DNAT;
            if (((info->state_mask & state) != 0) == inverted) return Match::no;
        } else if (flag == XT_CONNTRACK_DIRECTION) {
            // The reply direction is written as an inverted one.
            if (!packet_.direction)
                all = Match::open;
            else if (inverted == (*packet_.direction == 0))
                return Match::no;
        } else {
            all = Match::open;
        }
    }
    return all;
}

}  // namespace sipalg::nft
