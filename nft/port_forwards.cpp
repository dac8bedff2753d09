#include "nft/port_forwards.hpp"

#include <arpa/inet.h>
#include <libnftnl/expr.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_nat.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/xt_multiport.h>
#include <linux/netfilter/xt_tcpudp.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <string_view>
#include <utility>

#include "nft/listing.hpp"
#include "nft/nat_target.hpp"
#include "nft/packet_set.hpp"
#include "nft/table_reader.hpp"

namespace sipalg::nft {

namespace {

constexpr std::size_t most_forwards = 4096;
constexpr int most_steps = 200'000;  // rules and elements that are examined
constexpr int most_jumps = 16;       // NFT_JUMP_STACK_SIZE

std::uint16_t number(const std::vector<std::uint8_t>& bytes) {
    return static_cast<std::uint16_t>(bytes[0] << 8 | bytes[1]);
}

class ForwardSearch {
  public:
    ForwardSearch(Link& link, const std::vector<std::string>& outside) : link_(link), outside_(outside) {}

    void search(const ChainSeen& base) {
        reader_.emplace(link_, base.family, base.place.table);
        follow(base.place.chain, PacketSet(outside_), 0);
    }

    std::vector<PortForward> take() {
        std::sort(found_.begin(), found_.end());
        found_.erase(std::unique(found_.begin(), found_.end()), found_.end());
        return std::move(found_);
    }

  private:
    /// A rule as far as it has been followed.
    struct State {
        PacketSet packets;
        Registers registers;
        int jumps = 0;
    };

    void follow(const std::string& chain, const PacketSet& packets, int jumps);
    void run(const TableReader::Expressions& rule, std::size_t next, State state);
    /// False: the rule ends here, either for all packets or because each branch was followed.
    bool step(const TableReader::Expressions& rule, std::size_t at, State& state);
    bool compare(const nftnl_expr* expression, State& state);
    bool look_up(const TableReader::Expressions& rule, std::size_t at, State& state);
    bool match(const TableReader::Expressions& rule, std::size_t at, State& state);
    void load_payload(const nftnl_expr* expression, Registers& registers);
    void translate(const nftnl_expr* expression, State& state);
    void add(const PacketSet& packets, const NatTarget& target);

    Link& link_;
    const std::vector<std::string>& outside_;
    std::optional<TableReader> reader_;
    std::vector<PortForward> found_;
    int steps_ = 0;
};

void ForwardSearch::follow(const std::string& chain, const PacketSet& packets, int jumps) {
    if (jumps > most_jumps) return;
    for (const TableReader::Rule& rule : reader_->rules(chain))
        run(rule.expressions, 0, {packets, {}, jumps});
}

void ForwardSearch::run(const TableReader::Expressions& rule, std::size_t next, State state) {
    if (++steps_ > most_steps || found_.size() >= most_forwards) return;
    while (next < rule.size() && step(rule, next, state))
        ++next;
}

bool ForwardSearch::step(const TableReader::Expressions& rule, std::size_t at, State& state) {
    const nftnl_expr* expression = rule[at];
    const std::string_view name = text_of(expression, NFTNL_EXPR_NAME);
    const auto forget = [&](std::uint16_t reg, std::uint32_t size) {
        state.registers.load(nftnl_expr_get_u32(expression, reg), size, PacketField::other);
        return true;
    };
    if (name == "meta" && nftnl_expr_is_set(expression, NFTNL_EXPR_META_DREG)) {
        const std::uint32_t to = nftnl_expr_get_u32(expression, NFTNL_EXPR_META_DREG);
        switch (nftnl_expr_get_u32(expression, NFTNL_EXPR_META_KEY)) {
            case NFT_META_L4PROTO: state.registers.load(to, 1, PacketField::protocol); break;
            case NFT_META_IIFNAME: state.registers.load(to, 16, PacketField::interface_name); break;
            default: state.registers.load(to, 16, PacketField::other);
        }
        return true;
    }
    if (name == "payload" && nftnl_expr_is_set(expression, NFTNL_EXPR_PAYLOAD_DREG)) {
        load_payload(expression, state.registers);
        return true;
    }
    if (name == "immediate") {
        if (!nftnl_expr_is_set(expression, NFTNL_EXPR_IMM_VERDICT)) {
            state.registers.load(nftnl_expr_get_u32(expression, NFTNL_EXPR_IMM_DREG),
                                 data_of(expression, NFTNL_EXPR_IMM_DATA));
            return true;
        }
        const auto chain = text_of(expression, NFTNL_EXPR_IMM_CHAIN);
        if (!chain.empty()) follow(std::string(chain), state.packets, state.jumps + 1);
        return true;
    }
    if (name == "cmp" || name == "range") return compare(expression, state);
    if (name == "lookup") return look_up(rule, at, state);
    if (name == "match") return match(rule, at, state);
    if (name == "bitwise") return forget(NFTNL_EXPR_BITWISE_DREG, 16);
    if (name == "byteorder") return forget(NFTNL_EXPR_BYTEORDER_DREG, 16);
    if (name == "ct") return forget(NFTNL_EXPR_CT_DREG, 16);
    if (name == "fib") return forget(NFTNL_EXPR_FIB_DREG, 16);
    if (name == "hash") return forget(NFTNL_EXPR_HASH_DREG, 4);
    if (name == "numgen") return forget(NFTNL_EXPR_NG_DREG, 4);
    if (name == "nat" || name == "redir" || name == "target") translate(expression, state);
    return true;
}

void ForwardSearch::load_payload(const nftnl_expr* expression, Registers& registers) {
    const std::uint32_t base = nftnl_expr_get_u32(expression, NFTNL_EXPR_PAYLOAD_BASE);
    const std::uint32_t offset = nftnl_expr_get_u32(expression, NFTNL_EXPR_PAYLOAD_OFFSET);
    const std::uint32_t size = nftnl_expr_get_u32(expression, NFTNL_EXPR_PAYLOAD_LEN);
    const std::uint32_t to = nftnl_expr_get_u32(expression, NFTNL_EXPR_PAYLOAD_DREG);
    registers.load(to, size, PacketField::other);
    // IP protocol and destination address, and the destination port of TCP and UDP (RFC 791, 768, 9293).
    if (base == NFT_PAYLOAD_NETWORK_HEADER && offset == 9 && size == 1)
        registers.load(to, 1, PacketField::protocol);
    if (base == NFT_PAYLOAD_NETWORK_HEADER && offset == 16 && size == 4)
        registers.load(to, 4, PacketField::destination);
    if (base == NFT_PAYLOAD_TRANSPORT_HEADER && offset == 2 && size == 2)
        registers.load(to, 2, PacketField::port);
    if (base == NFT_PAYLOAD_TRANSPORT_HEADER && offset == 0 && size == 4) {
        std::uint8_t index = 0;
        for (Registers::Byte& byte : registers.at(to, 4).last(2))
            byte = {PacketField::port, index++, 0};
    }
}

bool ForwardSearch::compare(const nftnl_expr* expression, State& state) {
    const bool range = text_of(expression, NFTNL_EXPR_NAME) == "range";
    using Attribute = std::uint16_t;
    const auto low =
        data_of(expression, range ? Attribute{NFTNL_EXPR_RANGE_FROM_DATA} : Attribute{NFTNL_EXPR_CMP_DATA});
    const auto high = range ? data_of(expression, NFTNL_EXPR_RANGE_TO_DATA) : low;
    const std::uint32_t reg = nftnl_expr_get_u32(
        expression, range ? Attribute{NFTNL_EXPR_RANGE_SREG} : Attribute{NFTNL_EXPR_CMP_SREG});
    const std::uint32_t operation =
        nftnl_expr_get_u32(expression, range ? Attribute{NFTNL_EXPR_RANGE_OP} : Attribute{NFTNL_EXPR_CMP_OP});
    const auto bytes = state.registers.at(reg, low.size());
    static_assert(static_cast<int>(NFT_RANGE_EQ) == NFT_CMP_EQ &&
                  static_cast<int>(NFT_RANGE_NEQ) == NFT_CMP_NEQ);
    if (operation == NFT_CMP_EQ) return state.packets.narrow(bytes, low, high);
    if (operation == NFT_CMP_NEQ) return range || state.packets.exclude(bytes, low);
    // The others make sense for whole fields only.
    if (bytes.size() != 2 || low.size() != 2 || bytes[0].field != PacketField::port) return true;
    const unsigned value = static_cast<unsigned>(low[0] << 8 | low[1]);
    switch (operation) {
        case NFT_CMP_LT: return value > 0 && state.packets.narrow_ports(0, value - 1);
        case NFT_CMP_LTE: return state.packets.narrow_ports(0, value);
        case NFT_CMP_GT: return state.packets.narrow_ports(value + 1, 65535);
        default: return state.packets.narrow_ports(value, 65535);
    }
}

bool ForwardSearch::look_up(const TableReader::Expressions& rule, std::size_t at, State& state) {
    const nftnl_expr* expression = rule[at];
    const std::uint32_t key = nftnl_expr_get_u32(expression, NFTNL_EXPR_LOOKUP_SREG);
    const bool is_map = nftnl_expr_is_set(expression, NFTNL_EXPR_LOOKUP_DREG);
    const auto bytes = state.registers.at(key, 64);
    const bool inverted = nftnl_expr_is_set(expression, NFTNL_EXPR_LOOKUP_FLAGS) &&
                          (nftnl_expr_get_u32(expression, NFTNL_EXPR_LOOKUP_FLAGS) & NFT_LOOKUP_F_INV) != 0;
    // Sets of other fields may be long and do not matter.
    if (!is_map && (inverted || bytes.front().field == PacketField::other)) {
        const auto known = [](const Registers::Byte& byte) { return byte.field != PacketField::other; };
        if (inverted || std::none_of(bytes.begin(), bytes.end(), known)) return true;
    }
    const std::uint32_t to = is_map ? nftnl_expr_get_u32(expression, NFTNL_EXPR_LOOKUP_DREG) : 0;
    for (const SetElement& element :
         reader_->elements(std::string(text_of(expression, NFTNL_EXPR_LOOKUP_SET)))) {
        State way = state;
        if (!element.low.empty() &&
            !way.packets.narrow(bytes.first(std::min(bytes.size(), element.low.size())), element.low,
                                element.high))
            continue;
        if (is_map && to == NFT_REG_VERDICT) {
            if (++steps_ <= most_steps && !element.chain.empty())
                follow(element.chain, way.packets, way.jumps + 1);
            continue;
        }
        if (is_map) way.registers.load(to, element.data);
        run(rule, at + 1, std::move(way));
    }
    return is_map && to == NFT_REG_VERDICT;  // packets that match no element, or that return, continue
}

// Matches of x_tables that iptables-nft does not translate to expressions.
bool ForwardSearch::match(const TableReader::Expressions& rule, std::size_t at, State& state) {
    const nftnl_expr* expression = rule[at];
    const std::string_view name = text_of(expression, NFTNL_EXPR_MT_NAME);
    if (name == "tcp") {
        const auto info = info_of<xt_tcp>(expression, NFTNL_EXPR_MT_INFO);
        state.packets.udp = false;
        return !info || (info->invflags & XT_TCP_INV_DSTPT) != 0 ||
               state.packets.narrow_ports(info->dpts[0], info->dpts[1]);
    }
    if (name == "udp") {
        const auto info = info_of<xt_udp>(expression, NFTNL_EXPR_MT_INFO);
        state.packets.tcp = false;
        return !info || (info->invflags & XT_UDP_INV_DSTPT) != 0 ||
               state.packets.narrow_ports(info->dpts[0], info->dpts[1]);
    }
    if (name != "multiport") return true;
    const auto info = info_of<xt_multiport_v1>(expression, NFTNL_EXPR_MT_INFO);
    if (!info || info->flags == XT_MULTIPORT_SOURCE || info->invert != 0) return true;
    for (unsigned i = 0; i < std::min<unsigned>(info->count, XT_MULTI_PORTS); ++i) {
        const unsigned low = info->ports[i];
        const bool has_end = info->pflags[i] != 0 && i + 1 < XT_MULTI_PORTS;
        State way = state;
        if (way.packets.narrow_ports(low, has_end ? info->ports[++i] : low))
            run(rule, at + 1, std::move(way));
    }
    return false;
}

void ForwardSearch::translate(const nftnl_expr* expression, State& state) {
    const std::string_view name = text_of(expression, NFTNL_EXPR_NAME);
    NatTarget target;
    if (name == "target") {
        const std::string_view kind = text_of(expression, NFTNL_EXPR_TG_NAME);
        if (kind == "REDIRECT") {
            target.readable = false;
        } else if (kind == "DNAT") {
            const auto found = xt_nat_target(expression);
            target.readable = false;
            if (found) target = *found;
        } else {
            return;
        }
        return add(state.packets, target);
    }
    if (name == "redir") {
        target.readable = false;
        return add(state.packets, target);
    }
    if (nftnl_expr_get_u32(expression, NFTNL_EXPR_NAT_TYPE) != NFT_NAT_DNAT ||
        nftnl_expr_get_u32(expression, NFTNL_EXPR_NAT_FAMILY) != NFPROTO_IPV4)
        return;
    const auto constant = [&](std::uint16_t attribute, std::size_t size) {
        std::optional<std::vector<std::uint8_t>> value;
        if (nftnl_expr_is_set(expression, attribute))
            value = state.registers.constant(nftnl_expr_get_u32(expression, attribute), size);
        return value;
    };
    const auto low = constant(NFTNL_EXPR_NAT_REG_ADDR_MIN, 4);
    const auto high = constant(NFTNL_EXPR_NAT_REG_ADDR_MAX, 4);
    const auto low_port = constant(NFTNL_EXPR_NAT_REG_PROTO_MIN, 2);
    const auto high_port = constant(NFTNL_EXPR_NAT_REG_PROTO_MAX, 2);
    const auto given = [&](std::uint16_t attribute) { return nftnl_expr_is_set(expression, attribute); };
    const std::uint32_t flags =
        given(NFTNL_EXPR_NAT_FLAGS) ? nftnl_expr_get_u32(expression, NFTNL_EXPR_NAT_FLAGS) : 0;
    target.readable = low && (high || !given(NFTNL_EXPR_NAT_REG_ADDR_MAX)) &&
                      (low_port || !given(NFTNL_EXPR_NAT_REG_PROTO_MIN)) &&
                      (high_port || !given(NFTNL_EXPR_NAT_REG_PROTO_MAX)) &&
                      (flags & NF_NAT_RANGE_NETMAP) == 0;
    if (target.readable) {
        const auto address = [](const std::vector<std::uint8_t>& b) {
            return Address::v4({b[0], b[1], b[2], b[3]});
        };
        target.low = address(*low);
        target.high = high ? address(*high) : target.low;
        if (low_port) target.low_port = number(*low_port);
        target.high_port = high_port ? number(*high_port) : target.low_port;
    }
    add(state.packets, target);
}

void ForwardSearch::add(const PacketSet& packets, const NatTarget& target) {
    if (packets.any_port || found_.size() >= most_forwards) return;
    PortForward forward;
    if (packets.tcp != packets.udp) forward.transport = packets.tcp ? Transport::tcp : Transport::udp;
    forward.low = static_cast<std::uint16_t>(packets.low);
    forward.high = static_cast<std::uint16_t>(packets.high);
    forward.address = packets.destination;
    if (target.readable && target.low == target.high) {
        forward.to = target.low;
        forward.to_low = target.low_port;
        forward.to_high = target.high_port;
    }
    found_.push_back(forward);
}

}  // namespace

// X12
std::vector<PortForward> port_forwards(Link& link, const std::string& except,
                                       const std::vector<std::string>& outside) {
    ForwardSearch search(link, outside);
    for (const ChainSeen& chain : list_chains(link)) {
        const bool ip = chain.family == NFPROTO_IPV4 || chain.family == NFPROTO_INET;
        const bool is_ours = chain.family == NFPROTO_INET && chain.place.table == except;
        if (ip && !is_ours && chain.type == "nat" && chain.hook == NF_INET_PRE_ROUTING) search.search(chain);
    }
    return search.take();
}

}  // namespace sipalg::nft
