#include "alg/capture/link_layer.hpp"

namespace sipalg::capture {

namespace {

enum : std::uint32_t {
    link_null = 0,
    link_ethernet = 1,
    link_ppp = 9,
    link_raw_bsd = 12,
    link_raw_openbsd = 14,
    link_ppp_hdlc = 50,
    link_pppoe = 51,
    link_raw = 101,
    link_loop = 108,
    link_cooked = 113,
    link_ipv4 = 228,
    link_ipv6 = 229,
    link_cooked_v2 = 276,
};

constexpr std::string_view short_frame = "the frame is too short for its link layer";

std::uint16_t u16(Bytes bytes, std::size_t at) {
    return static_cast<std::uint16_t>(bytes[at] << 8 | bytes[at + 1]);
}

LinkPayload raw(Bytes packet) {
    if (packet.empty()) return {{}, short_frame};
    const unsigned version = packet[0] >> 4;
    return version == 4 || version == 6 ? LinkPayload{packet, {}} : LinkPayload{};
}

/// From the protocol of PPP on, which may be compressed to one byte (RFC 1661 6.5).
LinkPayload ppp(Bytes rest) {
    if (rest.size() < 2) return {{}, short_frame};
    const bool compressed = (rest[0] & 1) != 0;
    const std::uint16_t protocol = compressed ? rest[0] : u16(rest, 0);
    return protocol == 0x0021 || protocol == 0x0057 ? raw(rest.subspan(compressed ? 1 : 2)) : LinkPayload{};
}

/// From the version of PPPoE on (RFC 2516).
LinkPayload pppoe(Bytes rest) {
    if (rest.size() < 6) return {{}, short_frame};
    return ppp(rest.subspan(6));
}

// From an Ethernet type on: tags may be nested.
LinkPayload typed(std::uint16_t type, Bytes rest) {
    for (int tags = 0; tags < 8; ++tags) {
        switch (type) {
            case 0x0800:
            case 0x86DD: return raw(rest);
            case 0x8100:  // VLAN tag (IEEE 802.1Q), of a provider, before it was standard
            case 0x88A8:
            case 0x9100:
                if (rest.size() < 4) return {{}, short_frame};
                type = u16(rest, 2);
                rest = rest.subspan(4);
                break;
            case 0x8864: return pppoe(rest);
            default: return {};
        }
    }
    return {{}, "too many VLAN tags"};
}

}  // namespace

LinkPayload strip_link_layer(std::uint32_t link_type, Bytes frame) {
    switch (link_type) {
        case link_ethernet:
            if (frame.size() < 14) return {{}, short_frame};
            return typed(u16(frame, 12), frame.subspan(14));
        case link_cooked:
            if (frame.size() < 16) return {{}, short_frame};
            return typed(u16(frame, 14), frame.subspan(16));
        case link_cooked_v2:
            if (frame.size() < 20) return {{}, short_frame};
            return typed(u16(frame, 0), frame.subspan(20));
        case link_null:
        case link_loop:
            // An address family whose byte order and numbers depend on the system: the version field of IP
            // tells the family.
            if (frame.size() < 4) return {{}, short_frame};
            return raw(frame.subspan(4));
        case link_ppp:
        case link_ppp_hdlc: {
            const bool has_address = frame.size() >= 2 && frame[0] == 0xFF && frame[1] == 0x03;
            return ppp(has_address ? frame.subspan(2) : frame);
        }
        case link_pppoe: return pppoe(frame);
        case link_raw:
        case link_raw_bsd:
        case link_raw_openbsd:
        case link_ipv4:
        case link_ipv6: return raw(frame);
        default: return {{}, "its link layer is not supported"};
    }
}

}  // namespace sipalg::capture
