#include "nft/forward_check.hpp"

#include <arpa/inet.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/xt_connmark.h>
#include <linux/netfilter/xt_conntrack.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "nft/ruleset.hpp"
#include "nft/table_reader.hpp"

namespace sipalg::nft {

namespace {

constexpr int most_jumps = 16;  // NFT_JUMP_STACK_SIZE
constexpr int most_steps = 100'000;

enum class Match : std::uint8_t { yes, no, open };

/// What a chain does with the packet.
enum class Way : std::uint8_t { accept, drop, go_on };

// Of the conntrack entry. A destination that the kernel has translated has both bits.
constexpr std::uint32_t translated = IPS_DST_NAT | IPS_DST_NAT_DONE;
constexpr std::uint32_t new_state = 1U << (IP_CT_NEW + 1);  // NF_CT_STATE_BIT

using Bytes = std::vector<std::optional<std::uint8_t>>;  // nullopt: open

class Walk {
  public:
    Walk(Link& link, const ChainSeen& base, const PinholedPacket& packet)
        : reader_(link, base.family, base.place.table), packet_(packet) {}

    Way follow(const std::string& chain, int jumps);
    ForwardOutcome outcome;

  private:
    Match step(const nftnl_expr* expression);
    Match compare(const nftnl_expr* expression);
    Match look_up(const nftnl_expr* expression);
    Match match(const nftnl_expr* expression) const;
    void load_meta(const nftnl_expr* expression);
    void load_conntrack(const nftnl_expr* expression);
    void mask(const nftnl_expr* expression);
    /// The verdict of a rule that holds, or is open.
    std::optional<Way> decide(std::int32_t verdict, const std::string& chain, Match held, int jumps);
    void put(std::uint32_t reg, std::span<const std::uint8_t> value, std::size_t size);
    Bytes get(std::uint32_t reg, std::size_t size) const;
    static std::size_t place(std::uint32_t reg);

    TableReader reader_;
    const PinholedPacket& packet_;
    std::array<std::optional<std::uint8_t>, 64> registers_{};
    std::optional<std::pair<std::int32_t, std::string>> mapped_;  ///< verdict of the last look-up
    int steps_ = 0;
};

template <class T>
std::span<const std::uint8_t> bytes_of(const T& value) {
    return {reinterpret_cast<const std::uint8_t*>(&value), sizeof value};
}

std::size_t Walk::place(std::uint32_t reg) {
    if (reg >= NFT_REG_1 && reg <= NFT_REG_4) return (reg - NFT_REG_1) * 16;
    if (reg >= NFT_REG32_00 && reg <= NFT_REG32_15) return (reg - NFT_REG32_00) * 4;
    return 64;
}

// An empty value: `size` open bytes.
void Walk::put(std::uint32_t reg, std::span<const std::uint8_t> value, std::size_t size) {
    for (std::size_t i = 0, at = place(reg); i < size && at < registers_.size(); ++i, ++at) {
        registers_[at].reset();
        if (i < value.size()) registers_[at] = value[i];
    }
}

Bytes Walk::get(std::uint32_t reg, std::size_t size) const {
    Bytes value(size);
    for (std::size_t i = 0, at = place(reg); i < size && at < registers_.size(); ++i, ++at)
        value[i] = registers_[at];
    return value;
}

Way Walk::follow(const std::string& chain, int jumps) {
    if (jumps > most_jumps) return Way::go_on;
    for (const TableReader::Rule& rule : reader_.rules(chain)) {
        if (++steps_ > most_steps) return Way::go_on;
        if (jumps == 0) outcome.handle = nftnl_rule_get_u64(rule.handle.get(), NFTNL_RULE_HANDLE);
        registers_.fill(std::nullopt);
        Match held = Match::yes;
        for (const nftnl_expr* expression : rule.expressions) {
            mapped_.reset();
            const Match match = step(expression);
            if (match == Match::no) {
                held = Match::no;
                break;
            }
            if (match == Match::open) held = Match::open;
            std::optional<Way> way;
            const std::string_view name = text_of(expression, NFTNL_EXPR_NAME);
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
    return Way::go_on;
}

// nullopt: the rules after this one follow.
std::optional<Way> Walk::decide(std::int32_t verdict, const std::string& chain, Match held, int jumps) {
    const auto noted = [&](Way way) -> std::optional<Way> {
        if (held == Match::yes) return way;
        (way == Way::accept ? outcome.may_accept : outcome.may_drop) = true;
        return std::nullopt;
    };
    switch (verdict) {
        case NF_ACCEPT:
        case NF_QUEUE: return noted(Way::accept);
        case NF_DROP: return noted(Way::drop);
        case NFT_RETURN: return held == Match::yes ? std::optional(Way::go_on) : std::nullopt;
        case NFT_JUMP:
        case NFT_GOTO: {
            const auto registers = registers_;
            const Way way = follow(chain, jumps + 1);
            registers_ = registers;
            if (way != Way::go_on) return noted(way);
            return verdict == NFT_GOTO && held == Match::yes ? std::optional(Way::go_on) : std::nullopt;
        }
        default: return std::nullopt;
    }
}

Match Walk::step(const nftnl_expr* expression) {
    const std::string_view name = text_of(expression, NFTNL_EXPR_NAME);
    const auto open = [&](std::uint16_t reg) {
        put(nftnl_expr_get_u32(expression, reg), {}, 16);
        return Match::yes;
    };
    if (name == "meta" && nftnl_expr_is_set(expression, NFTNL_EXPR_META_DREG)) {
        load_meta(expression);
    } else if (name == "ct" && nftnl_expr_is_set(expression, NFTNL_EXPR_CT_DREG)) {
        load_conntrack(expression);
    } else if (name == "payload" && nftnl_expr_is_set(expression, NFTNL_EXPR_PAYLOAD_DREG)) {
        return open(NFTNL_EXPR_PAYLOAD_DREG);
    } else if (name == "immediate" && !nftnl_expr_is_set(expression, NFTNL_EXPR_IMM_VERDICT)) {
        const auto data = data_of(expression, NFTNL_EXPR_IMM_DATA);
        put(nftnl_expr_get_u32(expression, NFTNL_EXPR_IMM_DREG), data, data.size());
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
    } else if (name == "range" || name == "limit" || name == "connlimit" || name == "quota" || name == "rt" ||
               name == "socket" || name == "exthdr") {
        return Match::open;
    }
    return Match::yes;
}

void Walk::load_meta(const nftnl_expr* expression) {
    const std::uint32_t to = nftnl_expr_get_u32(expression, NFTNL_EXPR_META_DREG);
    const auto name = [&](const std::string& text) {
        std::array<std::uint8_t, 16> padded{};
        std::copy_n(text.begin(), std::min<std::size_t>(text.size(), 15), padded.begin());
        put(to, text.empty() ? std::span<const std::uint8_t>() : padded, 16);
    };
    const std::uint8_t udp = IPPROTO_UDP;
    switch (nftnl_expr_get_u32(expression, NFTNL_EXPR_META_KEY)) {
        case NFT_META_NFPROTO: return put(to, bytes_of(packet_.family), 16);
        case NFT_META_L4PROTO: return put(to, bytes_of(udp), 16);
        case NFT_META_PROTOCOL: {
            const std::uint16_t type = htons(packet_.family == NFPROTO_IPV4 ? 0x0800 : 0x86dd);
            return put(to, bytes_of(type), 16);
        }
        case NFT_META_IIFNAME: return name(packet_.from);
        case NFT_META_OIFNAME: return name(packet_.to);
        default: put(to, {}, 16);
    }
}

void Walk::load_conntrack(const nftnl_expr* expression) {
    const std::uint32_t to = nftnl_expr_get_u32(expression, NFTNL_EXPR_CT_DREG);
    const std::uint8_t original = 0;
    const std::uint32_t status = packet_.family == NFPROTO_IPV4 ? translated : 0;
    switch (nftnl_expr_get_u32(expression, NFTNL_EXPR_CT_KEY)) {
        case NFT_CT_STATE: return put(to, bytes_of(new_state), 16);
        case NFT_CT_STATUS: return put(to, bytes_of(status), 16);
        case NFT_CT_MARK: return put(to, bytes_of(pinhole_mark), 16);
        case NFT_CT_DIRECTION: return put(to, bytes_of(original), 16);
        default: put(to, {}, 16);
    }
}

void Walk::mask(const nftnl_expr* expression) {
    const auto bits = data_of(expression, NFTNL_EXPR_BITWISE_MASK);
    const auto flip = data_of(expression, NFTNL_EXPR_BITWISE_XOR);
    const std::uint32_t to = nftnl_expr_get_u32(expression, NFTNL_EXPR_BITWISE_DREG);
    const std::size_t size = nftnl_expr_get_u32(expression, NFTNL_EXPR_BITWISE_LEN);
    const Bytes from = get(nftnl_expr_get_u32(expression, NFTNL_EXPR_BITWISE_SREG), size);
    put(to, {}, size);
    if (bits.size() < size || flip.size() < size) return;  // a shift
    for (std::size_t i = 0, at = place(to); i < size && at < registers_.size(); ++i, ++at)
        if (from[i])
            registers_[at] = static_cast<std::uint8_t>((*from[i] & bits[i]) ^ flip[i]);
        else if (bits[i] == 0)
            registers_[at] = flip[i];
}

Match Walk::compare(const nftnl_expr* expression) {
    const auto data = data_of(expression, NFTNL_EXPR_CMP_DATA);
    const Bytes value = get(nftnl_expr_get_u32(expression, NFTNL_EXPR_CMP_SREG), data.size());
    const std::uint32_t operation = nftnl_expr_get_u32(expression, NFTNL_EXPR_CMP_OP);
    bool differs = false, open = false;
    for (std::size_t i = 0; i < data.size(); ++i) {
        open = open || !value[i];
        differs = differs || (value[i] && *value[i] != data[i]);
    }
    if (operation == NFT_CMP_EQ) return differs ? Match::no : open ? Match::open : Match::yes;
    if (operation == NFT_CMP_NEQ) return differs ? Match::yes : open ? Match::open : Match::no;
    return Match::open;
}

Match Walk::look_up(const nftnl_expr* expression) {
    const bool is_map = nftnl_expr_is_set(expression, NFTNL_EXPR_LOOKUP_DREG);
    const std::uint32_t to = is_map ? nftnl_expr_get_u32(expression, NFTNL_EXPR_LOOKUP_DREG) : 0;
    const bool inverted = nftnl_expr_is_set(expression, NFTNL_EXPR_LOOKUP_FLAGS) &&
                          (nftnl_expr_get_u32(expression, NFTNL_EXPR_LOOKUP_FLAGS) & NFT_LOOKUP_F_INV) != 0;
    const std::uint32_t from = nftnl_expr_get_u32(expression, NFTNL_EXPR_LOOKUP_SREG);
    Match found = Match::no;
    const auto& all = reader_.elements(std::string(text_of(expression, NFTNL_EXPR_LOOKUP_SET)));
    for (const SetElement& element : all) {
        const Bytes key = get(from, element.low.size());
        bool open = false, outside = false;
        for (std::size_t i = 0; i < key.size(); ++i) {
            open = open || !key[i];
            // Ranges of more than one byte are compared as numbers only where the first byte decides.
            if (key[i] && element.low == element.high && *key[i] != element.low[i]) outside = true;
            if (key[i] && i == 0 && (*key[i] < element.low[i] || *key[i] > element.high[i])) outside = true;
        }
        if (outside) continue;
        if (open || element.low != element.high) {
            found = Match::open;
            continue;
        }
        if (is_map && to == NFT_REG_VERDICT)
            mapped_ = {element.verdict.value_or(NFT_CONTINUE), element.chain};
        else if (is_map)
            put(to, element.data, element.data.size());
        found = Match::yes;
        break;
    }
    // A verdict of one of several elements: none is certain, and the packet goes on where none holds.
    if (found == Match::open && is_map && to == NFT_REG_VERDICT) {
        for (const SetElement& element : all) {
            if (element.verdict == NF_DROP) outcome.may_drop = true;
            if (element.verdict == NF_ACCEPT) outcome.may_accept = true;
        }
    }
    if (found == Match::open && is_map) put(to, {}, 16);
    if (!inverted) return found;
    return found == Match::yes ? Match::no : found == Match::no ? Match::yes : Match::open;
}

// Matches of x_tables that iptables-nft does not translate to expressions.
Match Walk::match(const nftnl_expr* expression) const {
    const std::string_view name = text_of(expression, NFTNL_EXPR_MT_NAME);
    if (name == "comment") return Match::yes;
    if (name == "udp" || name == "multiport") return Match::open;
    if (name == "tcp") return Match::no;
    if (name == "connmark") {
        const auto info = info_of<xt_connmark_mtinfo1>(expression, NFTNL_EXPR_MT_INFO);
        if (!info) return Match::open;
        return ((pinhole_mark & info->mask) == info->mark) != (info->invert != 0) ? Match::yes : Match::no;
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
            unsigned state = XT_CONNTRACK_STATE_BIT(IP_CT_NEW);
            if (packet_.family == NFPROTO_IPV4) state |= XT_CONNTRACK_STATE_DNAT;
            if (((info->state_mask & state) != 0) == inverted) return Match::no;
        } else if (flag == XT_CONNTRACK_DIRECTION) {
            if (inverted) return Match::no;  // the reply direction is written as an inverted one
        } else {
            all = Match::open;
        }
    }
    return all;
}

}  // namespace

// O3
ForwardOutcome check_forward(Link& link, const ChainSeen& base, const PinholedPacket& packet) {
    Walk walk(link, base, packet);
    const Way way = walk.follow(base.place.chain, 0);
    ForwardOutcome outcome = walk.outcome;
    outcome.accepted = way == Way::accept || (way == Way::go_on && !base.drops);
    if (way == Way::go_on) outcome.handle = 0;
    return outcome;
}

}  // namespace sipalg::nft
