#include "alg/net/packet.hpp"

#include <algorithm>

#include "alg/net/checksum.hpp"

namespace sipalg {

namespace {

constexpr std::size_t udp_header = 8;
constexpr std::size_t ipv4_header = 20;
constexpr std::size_t ipv6_header = 40;
constexpr std::size_t max_total = 65535;

struct Ip {
    std::size_t header = 0;
    std::size_t total = 0;
    std::uint8_t protocol = 0;
    Address source, destination;
};

std::optional<Ip> parse_v4(Bytes bytes) {
    if (bytes.size() < ipv4_header) return std::nullopt;
    Ip ip;
    ip.header = static_cast<std::size_t>(bytes[0] & 0x0f) * 4;
    ip.total = load16(bytes, 2);
    if (ip.header < ipv4_header || ip.total < ip.header || ip.total > bytes.size()) return std::nullopt;
    if (load16(bytes, 6) & 0x3fff) return std::nullopt;  // more fragments, or an offset
    ip.protocol = bytes[9];
    ip.source = Address::v4({bytes[12], bytes[13], bytes[14], bytes[15]});
    ip.destination = Address::v4({bytes[16], bytes[17], bytes[18], bytes[19]});
    return ip;
}

std::optional<Ip> parse_v6(Bytes bytes) {
    if (bytes.size() < ipv6_header) return std::nullopt;
    Ip ip;
    ip.header = ipv6_header;
    ip.total = ipv6_header + load16(bytes, 4);
    if (ip.total > bytes.size()) return std::nullopt;
    ip.protocol = bytes[6];  // extension headers are not parsed
    std::array<std::uint8_t, 16> address{};
    std::copy_n(bytes.begin() + 8, 16, address.begin());
    ip.source = Address::v6(address);
    std::copy_n(bytes.begin() + 24, 16, address.begin());
    ip.destination = Address::v6(address);
    return ip;
}

}  // namespace

std::optional<Packet> parse_packet(Bytes bytes) {
    if (bytes.empty()) return std::nullopt;
    const unsigned version = bytes[0] >> 4;
    const auto ip = version == 4 ? parse_v4(bytes) : version == 6 ? parse_v6(bytes) : std::nullopt;
    if (!ip) return std::nullopt;
    Packet packet;
    std::size_t transport_header = 0;
    std::size_t end = ip->total;
    if (ip->protocol == static_cast<std::uint8_t>(Transport::udp)) {
        if (ip->total < ip->header + udp_header) return std::nullopt;
        const std::size_t length = load16(bytes, ip->header + 4);
        if (length < udp_header || ip->header + length > ip->total) return std::nullopt;
        end = ip->header + length;
        transport_header = udp_header;
    } else if (ip->protocol == static_cast<std::uint8_t>(Transport::tcp)) {
        if (ip->total < ip->header + 20) return std::nullopt;
        transport_header = static_cast<std::size_t>(bytes[ip->header + 12] >> 4) * 4;
        if (transport_header < 20 || ip->total < ip->header + transport_header) return std::nullopt;
    } else {
        return std::nullopt;
    }
    packet.transport = static_cast<Transport>(ip->protocol);
    packet.source = {ip->source, load16(bytes, ip->header)};
    packet.destination = {ip->destination, load16(bytes, ip->header + 2)};
    packet.ip_header = ip->header;
    packet.header_size = ip->header + transport_header;
    const Bytes payload = bytes.subspan(packet.header_size, end - packet.header_size);
    packet.payload = {reinterpret_cast<const char*>(payload.data()), payload.size()};
    return packet;
}

bool has_right_checksum(Bytes bytes, const Packet& packet) {
    const bool v4 = packet.source.address.is_v4();
    if (packet.transport == Transport::udp && load16(bytes, packet.ip_header + 6) == 0) return v4;
    const std::size_t size = packet.header_size - packet.ip_header + packet.payload.size();
    std::uint64_t sum = static_cast<std::uint64_t>(packet.transport) + size;
    sum = v4 ? add_words(bytes.subspan(12, 8), sum) : add_words(bytes.subspan(8, 32), sum);
    return fold(add_words(bytes.subspan(packet.ip_header, size), sum)) == 0;
}

bool replace_payload(Bytes bytes, const Packet& packet, std::string_view payload,
                     std::vector<std::uint8_t>& out, std::optional<std::uint16_t> destination_port) {
    const std::size_t total = packet.header_size + payload.size();
    const std::size_t ip_header = packet.ip_header;
    if (packet.transport != Transport::udp || total > max_total) return false;
    out.resize(total);
    std::copy_n(bytes.begin(), packet.header_size, out.begin());
    std::copy(payload.begin(), payload.end(), out.begin() + static_cast<std::ptrdiff_t>(packet.header_size));
    if (destination_port) store16(out, ip_header + 2, *destination_port);
    store16(out, ip_header + 4, udp_header + payload.size());
    store16(out, ip_header + 6, 0);
    std::uint64_t sum = static_cast<std::uint64_t>(Transport::udp) + udp_header + payload.size();
    if (packet.source.address.is_v4()) {
        store16(out, 2, total);
        // The sender set "don't fragment" for the original size; the larger packet may not fit the path (T3).
        if (payload.size() > packet.payload.size()) out[6] = static_cast<std::uint8_t>(out[6] & ~0x40);
        store16(out, 10, 0);
        store16(out, 10, fold(add_words({out.data(), ip_header}, 0)));
        sum = add_words({out.data() + 12, 8}, sum);
    } else {
        store16(out, 4, total - ipv6_header);
        sum = add_words({out.data() + 8, 32}, sum);
    }
    const std::uint16_t checksum =
        fold(add_words({out.data() + ip_header, udp_header + payload.size()}, sum));
    store16(out, ip_header + 6, checksum == 0 ? 0xffff : checksum);  // 0 would mean "none" (RFC 768)
    return true;
}

}  // namespace sipalg
