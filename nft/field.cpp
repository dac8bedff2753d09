#include "nft/field.hpp"

#include <linux/netfilter/nf_conntrack_tuple_common.h>
#include <linux/netfilter/nf_tables.h>

#include <cstddef>

#include "nft/expressions.hpp"

namespace sipalg::nft {

namespace {

/// The origin of a field: the packet's bytes, its conntrack entry, or other data that the kernel has of it.
enum class From : std::uint8_t { packet, conntrack, meta };

struct Source {
    const char* name;
    std::uint32_t base, offset, size;
    From from = From::packet;
};

// In the order of Field. UDP and TCP have their ports in the same place. For fields that are not in the
// packet, `base` is the key.
const Source& source_of(Field field) {
    static constexpr Source table[] = {
        {"meta l4proto", NFT_META_L4PROTO, 0, 1, From::meta},
        {"ip saddr", NFT_PAYLOAD_NETWORK_HEADER, 12, 4},
        {"ip daddr", NFT_PAYLOAD_NETWORK_HEADER, 16, 4},
        {"ip6 saddr", NFT_PAYLOAD_NETWORK_HEADER, 8, 16},
        {"ip6 daddr", NFT_PAYLOAD_NETWORK_HEADER, 24, 16},
        {"th sport", NFT_PAYLOAD_TRANSPORT_HEADER, 0, 2},
        {"th dport", NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2},
        {"ct original ip saddr", NFT_CT_SRC_IP, 0, 4, From::conntrack},
        {"ct original ip6 saddr", NFT_CT_SRC_IP6, 0, 16, From::conntrack},
        {"ct original proto-src", NFT_CT_PROTO_SRC, 0, 2, From::conntrack},
        {"ct original ip daddr", NFT_CT_DST_IP, 0, 4, From::conntrack},
        {"ct original ip6 daddr", NFT_CT_DST_IP6, 0, 16, From::conntrack},
        {"ct original proto-dst", NFT_CT_PROTO_DST, 0, 2, From::conntrack},
        {"oifname", NFT_META_OIFNAME, 0, 16, From::meta},
    };
    return table[static_cast<std::size_t>(field)];
}

}  // namespace

std::uint32_t register_at(std::uint32_t position) {
    return position == 0 ? static_cast<std::uint32_t>(NFT_REG_1) : NFT_REG32_00 + position;
}

const char* name(Field field) {
    return source_of(field).name;
}

std::uint32_t registers(Field field) {
    return (source_of(field).size + 3) / 4;
}

void load(nftnl_rule* rule, Field field, std::uint32_t reg) {
    const Source& source = source_of(field);
    switch (source.from) {
        case From::packet: return load_payload(rule, source.base, source.offset, source.size, reg);
        case From::conntrack: return load_tuple(rule, source.base, IP_CT_DIR_ORIGINAL, reg);
        case From::meta: return load_meta(rule, source.base, reg);
    }
}

void load_start(nftnl_rule* rule, Field field, std::uint32_t size) {
    const Source& source = source_of(field);
    load_payload(rule, source.base, source.offset, size, NFT_REG_1);
}

}  // namespace sipalg::nft
