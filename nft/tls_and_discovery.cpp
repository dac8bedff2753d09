#include "nft/tls_and_discovery.hpp"

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <string>

namespace sipalg::nft {

namespace {

// The first four bytes of each method, with the blank after shorter ones (RFC 3261, 3262, 3265, 3311, 3428,
// 3515, 3903, 6086), and of responses.
constexpr std::array<std::string_view, 15> words{"ACK ", "BYE ", "CANC", "INFO", "INVI",
                                                 "MESS", "NOTI", "OPTI", "PRAC", "PUBL",
                                                 "REFE", "REGI", "SIP/", "SUBS", "UPDA"};
constexpr std::uint32_t word_size = 4;

// Enough packets to find a port, and too few to cause a load.
constexpr std::uint32_t found_per_second = 20;
constexpr std::uint32_t found_at_once = 40;

// Just outside from_inside and to_inside. The packets that those chains queue pass here too and are accepted.
constexpr Hook beyond_from_inside{"filter", NF_INET_PRE_ROUTING, "prerouting", -299, "raw + 1"};
constexpr Hook beyond_to_inside{"filter", NF_INET_POST_ROUTING, "postrouting", 109, "srcnat + 9"};

// The payload of UDP begins eight bytes after the start of the transport header.
std::uint32_t from(Origin origin, std::uint32_t offset) {
    return origin == Origin::transport ? offset + 8 : offset;
}

// A handshake record of TLS 1 (or DTLS 1) with a ClientHello. No later packet of a connection has this form.
void add_hellos(ChainDefinition& chain, const Settings& settings, QueueMethod queue, Origin origin,
                bool outward) {
    const auto queued = [&](Rule& rule) {
        if (outward) rule.routed_to(set_name::outside_route);
        rule.queue(queue, settings.watch_queue(), 1);
    };
    if (origin == Origin::payload)
        queued(chain.add().carried_by(Transport::tcp).bytes(origin, 0, {22, 3}).bytes(origin, 5, {1}));
    queued(chain.add()
               .carried_by(Transport::udp)
               .bytes(origin, from(origin, 0), {22, 254})
               .bytes(origin, from(origin, 13), {1}));
}

void add_discovery(std::vector<ChainDefinition>& chains, const Settings& settings, QueueMethod queue,
                   Origin origin, bool outward) {
    const bool any_inside = settings.inside.empty();
    const std::string_view sides = any_inside ? set_name::outside : set_name::inside;
    const std::string_view found = outward ? "found_outward" : "found_inward";
    {
        ChainDefinition& seek = chains.emplace_back(outward ? "seek_outward" : "seek_inward",
                                                    outward ? beyond_from_inside : beyond_to_inside);
        if (outward) {
            seek.add().interface(Interface::in, sides, any_inside).accept();
        } else {
            seek.add().interface(Interface::in, set_name::outside, false).accept();
            seek.add().interface(Interface::out, sides, any_inside).accept();
        }
        Rule& rule = seek.add();
        if (origin == Origin::transport) rule.carried_by(Transport::udp);
        rule.bytes_in(origin, from(origin, 0), word_size, set_name::sip_words).goto_chain(found);
    }
    ChainDefinition& chain = chains.emplace_back(found, std::nullopt);
    const Field address = outward ? Field::source : Field::destination;
    const Field address6 = outward ? Field::source6 : Field::destination6;
    const Field port = outward ? Field::source_port : Field::destination_port;
    chain.add().fields({Field::source_port}, set_name::sip_ports).accept();
    chain.add().fields({Field::destination_port}, set_name::sip_ports).accept();
    chain.add().fields({Field::protocol, address, port}, set_name::listeners).accept();
    chain.add().fields({Field::protocol, address6, port}, set_name::listeners6).accept();
    Rule& rule = chain.add();
    if (outward) rule.routed_to(set_name::outside_route);
    rule.limit(found_per_second, found_at_once).queue(queue, settings.watch_queue(), 1);
}

}  // namespace

SetDefinition sip_words(Origin origin) {
    constexpr std::uint32_t integer = 4;  // nft's number of the type
    SetDefinition set;
    set.name = set_name::sip_words;
    set.type = (origin == Origin::payload ? "@ih," : "@th,") + std::to_string(from(origin, 0) * 8) + "," +
               std::to_string(word_size * 8);
    set.payload = origin;
    set.key_type = integer;
    set.key_size = word_size;
    for (const std::string_view word : words) {
        Value key;
        std::uint32_t number = 0;
        for (const char letter : word) {
            key.bytes[key.size++] = static_cast<std::uint8_t>(letter);
            number = number << 8 | static_cast<std::uint8_t>(letter);
        }
        char text[16];
        std::snprintf(text, sizeof text, "0x%08x", number);
        set.fixed.push_back({key, false});
        set.fixed_text.push_back(text);
    }
    return set;
}

void describe_payload(nftnl_udata_buf* data, Origin origin) {
    constexpr std::uint32_t payload_expression = 7, transport_base = 3, payload_base = 4;
    const std::uint32_t parts[] = {0, 0,  // no field of a known protocol
                                   origin == Origin::payload ? payload_base : transport_base,
                                   from(origin, 0) * 8, word_size * 8};
    auto* type = nftnl_udata_nest_start(data, NFTNL_UDATA_SET_KEY_TYPEOF);
    nftnl_udata_put_u32(data, NFTNL_UDATA_SET_TYPEOF_EXPR, payload_expression);
    auto* details = nftnl_udata_nest_start(data, NFTNL_UDATA_SET_TYPEOF_DATA);
    std::uint8_t attribute = 0;
    for (const std::uint32_t part : parts)
        nftnl_udata_put_u32(data, attribute++, part);
    nftnl_udata_nest_end(data, details);
    nftnl_udata_nest_end(data, type);
}

void add_tls_and_discovery(std::vector<ChainDefinition>& chains, const Settings& settings, QueueMethod queue,
                           Origin origin) {
    add_hellos(chains.emplace_back(hello_outward, std::nullopt), settings, queue, origin, true);
    add_hellos(chains.emplace_back(hello_inward, std::nullopt), settings, queue, origin, false);
    if (!settings.find_sip) return;
    add_discovery(chains, settings, queue, origin, true);
    add_discovery(chains, settings, queue, origin, false);
}

}  // namespace sipalg::nft
