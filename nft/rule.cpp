#include "nft/rule.hpp"

#include <libnftnl/expr.h>
#include <libnftnl/udata.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_nat.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/rtnetlink.h>

#include <array>
#include <cstdio>
#include <new>

#include "nft/expressions.hpp"
#include "nft/xtables.hpp"

namespace sipalg::nft {

namespace {

// As nft writes it.
std::string duration(std::chrono::seconds time) {
    const auto count = time.count();
    if (count % 3600 == 0) return std::to_string(count / 3600) + "h";
    return count % 60 == 0 ? std::to_string(count / 60) + "m" : std::to_string(count) + "s";
}

void set_timeout(nftnl_expr* change, std::chrono::seconds timeout) {
    nftnl_expr_set_u64(change, NFTNL_EXPR_DYNSET_TIMEOUT,
                       static_cast<std::uint64_t>(std::chrono::milliseconds(timeout).count()));
}

std::string hexadecimal(std::uint32_t value) {
    char text[16];
    std::snprintf(text, sizeof text, "0x%08x", value);
    return text;
}

}  // namespace

Rule::Rule(std::uint8_t family) : rule_(nftnl_rule_alloc()), family_(family) {
    if (!rule_) throw std::bad_alloc();
}

void Rule::say(std::string_view words) {
    if (!text_.empty()) text_ += ' ';
    text_ += words;
}

void Rule::ensure_family(Field field) {
    const bool v4 = field == Field::source || field == Field::destination;
    const bool v6 = field == Field::source6 || field == Field::destination6;
    const auto family = static_cast<std::uint8_t>(v4 ? NFPROTO_IPV4 : NFPROTO_IPV6);
    if ((!v4 && !v6) || family_ != NFPROTO_INET || ensured_ == family) return;
    compare_meta(rule_.get(), NFT_META_NFPROTO, NFT_CMP_EQ, family);
    ensured_ = family;
}

std::string Rule::load(std::initializer_list<Field> fields) {
    for (const Field field : fields)
        ensure_family(field);
    std::string words;
    std::uint32_t position = 0;  // in 32-bit registers
    for (const Field field : fields) {
        if (position > 0) words += " . ";
        words += name(field);
        nft::load(rule_.get(), field, register_at(position));
        position += registers(field);
    }
    return words;
}

Rule& Rule::no_transport_of(std::string_view set) {
    say("meta l4proto != @" + std::string(set));
    load_meta(rule_.get(), NFT_META_L4PROTO, NFT_REG_1);
    lookup(rule_.get(), set, true);
    return *this;
}

Rule& Rule::packet_marked(std::uint32_t mark) {
    say("meta mark " + hexadecimal(mark));
    compare_meta(rule_.get(), NFT_META_MARK, NFT_CMP_EQ, mark);
    return *this;
}

Rule& Rule::untracked() {
    say("notrack");
    add(rule_.get(), "notrack");
    return *this;
}

Rule& Rule::carried_by(Transport transport) {
    say("meta l4proto " + std::string(name(transport)));
    compare_meta(rule_.get(), NFT_META_L4PROTO, NFT_CMP_EQ, static_cast<std::uint8_t>(transport));
    return *this;
}

Rule& Rule::not_carried_by(Transport transport) {
    say("meta l4proto != " + std::string(name(transport)));
    compare_meta(rule_.get(), NFT_META_L4PROTO, NFT_CMP_NEQ, static_cast<std::uint8_t>(transport));
    return *this;
}

void Rule::load(Origin origin, std::uint32_t offset, std::uint32_t size) {
    const bool transport = origin == Origin::transport;
    say((transport ? "@th," : "@ih,") + std::to_string(offset * 8) + "," + std::to_string(size * 8));
    load_payload(rule_.get(), transport ? NFT_PAYLOAD_TRANSPORT_HEADER : NFT_PAYLOAD_INNER_HEADER, offset,
                 size, NFT_REG_1);
}

Rule& Rule::bytes(Origin origin, std::uint32_t offset, std::initializer_list<std::uint8_t> value) {
    load(origin, offset, static_cast<std::uint32_t>(value.size()));
    std::uint32_t number = 0;
    for (const std::uint8_t byte : value)
        number = number << 8 | byte;
    char text[16];
    std::snprintf(text, sizeof text, "0x%x", number);
    say(text);
    compare_bytes(rule_.get(), NFT_CMP_EQ, value.begin(), static_cast<std::uint32_t>(value.size()));
    return *this;
}

Rule& Rule::bytes_in(Origin origin, std::uint32_t offset, std::uint32_t size, std::string_view set) {
    load(origin, offset, size);
    say("@" + std::string(set));
    lookup(rule_.get(), set, false);
    return *this;
}

Rule& Rule::limit(std::uint32_t per_second, std::uint32_t burst) {
    say("limit rate " + std::to_string(per_second) + "/second burst " + std::to_string(burst) + " packets");
    auto* e = add(rule_.get(), "limit");
    nftnl_expr_set_u64(e, NFTNL_EXPR_LIMIT_RATE, per_second);
    nftnl_expr_set_u64(e, NFTNL_EXPR_LIMIT_UNIT, 1);
    nftnl_expr_set_u32(e, NFTNL_EXPR_LIMIT_BURST, burst);
    nftnl_expr_set_u32(e, NFTNL_EXPR_LIMIT_TYPE, NFT_LIMIT_PKTS);
    return *this;
}

Rule& Rule::interface(Interface which, std::string_view set, bool listed) {
    const bool in = which == Interface::in;
    say((in ? "iifname " : "oifname ") + std::string(listed ? "@" : "!= @") + std::string(set));
    load_meta(rule_.get(), in ? NFT_META_IIFNAME : NFT_META_OIFNAME, NFT_REG_1);
    lookup(rule_.get(), set, !listed);
    return *this;
}

Rule& Rule::fields(std::initializer_list<Field> fields, std::string_view set, bool listed) {
    say(load(fields) + (listed ? " @" : " != @") + std::string(set));
    lookup(rule_.get(), set, !listed);
    return *this;
}

Rule& Rule::routed_to(std::string_view set) {
    say("fib daddr oifname @" + std::string(set));
    load_route(rule_.get(), NFT_FIB_RESULT_OIFNAME, NFTA_FIB_F_DADDR);
    lookup(rule_.get(), set, false);
    return *this;
}

Rule& Rule::routed_back() {
    say("fib saddr . iif oif exists");
    load_route(rule_.get(), NFT_FIB_RESULT_OIF, NFTA_FIB_F_SADDR | NFTA_FIB_F_IIF | NFTA_FIB_F_PRESENT);
    compare(rule_.get(), NFT_CMP_EQ, std::uint32_t{1});
    return *this;
}

Rule& Rule::not_from_a_host() {
    say("fib saddr type != unicast");
    load_route(rule_.get(), NFT_FIB_RESULT_ADDRTYPE, NFTA_FIB_F_SADDR);
    compare(rule_.get(), NFT_CMP_NEQ, std::uint32_t{RTN_UNICAST});
    return *this;
}

Rule& Rule::from_prefix(const Address& prefix, std::uint32_t length) {
    const Field field = prefix.is_v4() ? Field::source : Field::source6;
    ensure_family(field);
    say(std::string(name(field)) + " " + prefix.text() + "/" + std::to_string(length));
    const std::uint32_t size = prefix.is_v4() ? length / 8 : 16;
    load_start(rule_.get(), field, size);
    if (prefix.is_v6()) {
        std::array<std::uint8_t, 16> mask{}, zero{};
        for (std::uint32_t bit = 0; bit < length; ++bit)
            mask[bit / 8] = static_cast<std::uint8_t>(mask[bit / 8] | 0x80U >> bit % 8);
        mask_and_xor(rule_.get(), mask, zero);
    }
    compare_bytes(rule_.get(), NFT_CMP_EQ, prefix.bytes().data(), size);
    return *this;
}

Rule& Rule::count() {
    say("counter packets 0 bytes 0");
    add(rule_.get(), "counter");
    return *this;
}

Rule& Rule::update(std::initializer_list<Field> fields, std::string_view set, std::chrono::seconds timeout) {
    const std::string words = load(fields);
    say("update @" + std::string(set) + " { " + words + " timeout " + duration(timeout) + " }");
    set_timeout(change_set(rule_.get(), set, NFT_DYNSET_OP_UPDATE), timeout);
    return *this;
}

Rule& Rule::unanswered() {
    say("ct state new");
    require_state(rule_.get(), NF_CT_STATE_BIT(IP_CT_NEW));
    return *this;
}

Rule& Rule::opened_by(std::string_view set) {
    say("ct original ip saddr @" + std::string(set));
    load_tuple(rule_.get(), NFT_CT_SRC_IP, IP_CT_DIR_ORIGINAL, NFT_REG_1);
    lookup(rule_.get(), set, false);
    return *this;
}

Rule& Rule::note_source_nat(std::string_view map, std::chrono::seconds timeout) {
    say("update @" + std::string(map) +
        " { ct reply ip daddr . ct reply proto-dst . ct original ip saddr timeout " + duration(timeout) +
        " : ct original proto-src }");
    load_tuple(rule_.get(), NFT_CT_DST_IP, IP_CT_DIR_REPLY, register_at(0));
    load_tuple(rule_.get(), NFT_CT_PROTO_DST, IP_CT_DIR_REPLY, register_at(1));
    load_tuple(rule_.get(), NFT_CT_SRC_IP, IP_CT_DIR_ORIGINAL, register_at(2));
    load_tuple(rule_.get(), NFT_CT_PROTO_SRC, IP_CT_DIR_ORIGINAL, NFT_REG_2);
    nftnl_expr* e = change_set(rule_.get(), map, NFT_DYNSET_OP_UPDATE);
    nftnl_expr_set_u32(e, NFTNL_EXPR_DYNSET_SREG_DATA, NFT_REG_2);
    set_timeout(e, timeout);
    return *this;
}

Rule& Rule::note_interface(std::initializer_list<Field> fields, std::string_view map,
                           std::chrono::seconds timeout) {
    // Registers beyond those of any key.
    constexpr std::uint32_t name_register = NFT_REG_4;
    const std::string words = load(fields);
    say("update @" + std::string(map) + " { " + words + " timeout " + duration(timeout) + " : oifname }");
    nft::load(rule_.get(), Field::out_interface, name_register);
    nftnl_expr* e = change_set(rule_.get(), map, NFT_DYNSET_OP_UPDATE);
    nftnl_expr_set_u32(e, NFTNL_EXPR_DYNSET_SREG_DATA, name_register);
    set_timeout(e, timeout);
    return *this;
}

Rule& Rule::remove(std::initializer_list<Field> fields, std::string_view set) {
    const std::string words = load(fields);
    say("delete @" + std::string(set) + " { " + words + " }");
    change_set(rule_.get(), set, NFT_DYNSET_OP_DELETE);
    return *this;
}

Rule& Rule::mark_connection(std::uint32_t bit) {
    say("ct mark set ct mark | " + hexadecimal(bit));
    load_conntrack(rule_.get(), NFT_CT_MARK);
    mask_and_xor(rule_.get(), ~bit, bit);
    auto* e = add(rule_.get(), "ct");
    nftnl_expr_set_u32(e, NFTNL_EXPR_CT_KEY, NFT_CT_MARK);
    nftnl_expr_set_u32(e, NFTNL_EXPR_CT_SREG, NFT_REG_1);
    return *this;
}

Rule& Rule::mark_packet(std::uint32_t bit) {
    say("meta mark set meta mark | " + hexadecimal(bit));
    load_meta(rule_.get(), NFT_META_MARK, NFT_REG_1);
    mask_and_xor(rule_.get(), ~bit, bit);
    auto* e = add(rule_.get(), "meta");
    nftnl_expr_set_u32(e, NFTNL_EXPR_META_KEY, NFT_META_MARK);
    nftnl_expr_set_u32(e, NFTNL_EXPR_META_SREG, NFT_REG_1);
    return *this;
}

Rule& Rule::established() {
    say("ct state established");
    require_state(rule_.get(), NF_CT_STATE_BIT(IP_CT_ESTABLISHED));
    return *this;
}

Rule& Rule::connection_marked(std::uint32_t bit, Dialect dialect) {
    say("ct mark & " + hexadecimal(bit) + " == " + hexadecimal(bit));
    if (dialect == Dialect::xtables) {
        match_connmark(rule_.get(), bit);
        return *this;
    }
    load_conntrack(rule_.get(), NFT_CT_MARK);
    mask_and_xor(rule_.get(), bit, 0U);
    compare(rule_.get(), NFT_CMP_EQ, bit);
    return *this;
}

Rule& Rule::original_direction(Dialect dialect) {
    say("ct direction original");
    if (dialect == Dialect::xtables) {
        match_original_direction(rule_.get());
        return *this;
    }
    load_conntrack(rule_.get(), NFT_CT_DIRECTION);
    compare(rule_.get(), NFT_CMP_EQ, static_cast<std::uint8_t>(IP_CT_DIR_ORIGINAL));
    return *this;
}

Rule& Rule::assign_helper(std::string_view object) {
    say("ct helper set \"" + std::string(object) + '"');
    auto* e = add(rule_.get(), "objref");
    nftnl_expr_set_u32(e, NFTNL_EXPR_OBJREF_IMM_TYPE, NFT_OBJECT_CT_HELPER);
    nftnl_expr_set_str(e, NFTNL_EXPR_OBJREF_IMM_NAME, std::string(object).c_str());
    return *this;
}

Rule& Rule::end(std::string_view word, std::uint32_t code, std::string_view chain) {
    say(word);
    if (!chain.empty()) say(chain);
    verdict(rule_.get(), code, chain);
    return *this;
}

Rule& Rule::accept() {
    return end("accept", NF_ACCEPT);
}

Rule& Rule::drop() {
    return end("drop", NF_DROP);
}

Rule& Rule::goto_chain(std::string_view chain) {
    return end("goto", static_cast<std::uint32_t>(NFT_GOTO), chain);
}

Rule& Rule::jump_chain(std::string_view chain) {
    return end("jump", static_cast<std::uint32_t>(NFT_JUMP), chain);
}

Rule& Rule::translate(Nat direction, std::initializer_list<Field> fields, std::string_view map) {
    const bool source = direction == Nat::source;
    const std::string words = load(fields);
    say((source ? "snat ip to " : "dnat ip to ") + words + " map @" + std::string(map));
    auto* found = add(rule_.get(), "lookup");
    nftnl_expr_set_u32(found, NFTNL_EXPR_LOOKUP_SREG, NFT_REG_1);
    nftnl_expr_set_u32(found, NFTNL_EXPR_LOOKUP_DREG, NFT_REG_1);
    nftnl_expr_set_str(found, NFTNL_EXPR_LOOKUP_SET, std::string(map).c_str());
    auto* nat = add(rule_.get(), "nat");
    nftnl_expr_set_u32(nat, NFTNL_EXPR_NAT_TYPE, source ? NFT_NAT_SNAT : NFT_NAT_DNAT);
    nftnl_expr_set_u32(nat, NFTNL_EXPR_NAT_FAMILY, NFPROTO_IPV4);
    nftnl_expr_set_u32(nat, NFTNL_EXPR_NAT_REG_ADDR_MIN, register_at(0));
    nftnl_expr_set_u32(nat, NFTNL_EXPR_NAT_REG_PROTO_MIN, register_at(1));
    return *this;
}

Rule& Rule::queue(QueueMethod method, std::uint16_t number, std::uint16_t total, bool bypass) {
    say("queue " + std::string(bypass ? "flags bypass " : "") + "to " + std::to_string(number) +
        (total > 1 ? "-" + std::to_string(number + total - 1) : ""));
    // Never by processor ("fanout"): the hash of the two addresses gives both directions of a phone and its
    // peer to the same reader.
    if (method == QueueMethod::native) {
        auto* e = add(rule_.get(), "queue");
        nftnl_expr_set_u16(e, NFTNL_EXPR_QUEUE_NUM, number);
        nftnl_expr_set_u16(e, NFTNL_EXPR_QUEUE_TOTAL, total);
        if (bypass) nftnl_expr_set_u16(e, NFTNL_EXPR_QUEUE_FLAGS, NFT_QUEUE_FLAG_BYPASS);
        return *this;
    }
    target_nfqueue(rule_.get(), number, total, bypass);
    return *this;
}

Rule& Rule::comment(std::string_view text, Dialect dialect) {
    comment_ = " comment \"" + std::string(text) + "\"";
    if (dialect == Dialect::xtables) {
        match_comment(rule_.get(), text);
        return *this;
    }
    std::unique_ptr<nftnl_udata_buf, void (*)(const nftnl_udata_buf*)> data(nftnl_udata_buf_alloc(256),
                                                                            nftnl_udata_buf_free);
    if (!data || !nftnl_udata_put_strz(data.get(), NFTNL_UDATA_RULE_COMMENT, std::string(text).c_str()))
        throw std::bad_alloc();
    nftnl_rule_set_data(rule_.get(), NFTNL_RULE_USERDATA, nftnl_udata_buf_data(data.get()),
                        nftnl_udata_buf_len(data.get()));
    return *this;
}

void Rule::add_to(Batch& batch, std::string_view table, std::string_view chain, bool at_head) const {
    nftnl_rule_set_u32(rule_.get(), NFTNL_RULE_FAMILY, family_);
    nftnl_rule_set_str(rule_.get(), NFTNL_RULE_TABLE, std::string(table).c_str());
    nftnl_rule_set_str(rule_.get(), NFTNL_RULE_CHAIN, std::string(chain).c_str());
    const auto flags = static_cast<std::uint16_t>(NLM_F_CREATE | (at_head ? 0 : NLM_F_APPEND));
    nlmsghdr* message = batch.open(NFT_MSG_NEWRULE, flags, family_, text_, 8192);
    nftnl_rule_nlmsg_build_payload(message, rule_.get());
}

}  // namespace sipalg::nft
