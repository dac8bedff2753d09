#include "alg/capture/build_packet.hpp"

#include <algorithm>

#include "alg/net/checksum.hpp"

namespace sipalg::capture {

namespace {

constexpr std::size_t longest = 65535;

void store32(std::vector<std::uint8_t>& bytes, std::size_t at, std::uint32_t value) {
    store16(bytes, at, value >> 16);
    store16(bytes, at + 2, value & 0xFFFF);
}

/// IP header, then `header` bytes of zero for the transport, then the payload.
std::vector<std::uint8_t> ip_packet(const Endpoint& source, const Endpoint& destination, Transport transport,
                                    std::size_t header, std::string_view payload) {
    const bool v4 = source.address.is_v4();
    const std::size_t ip = v4 ? 20 : 40, size = source.address.size();
    payload = payload.substr(0, longest - ip - header);
    std::vector<std::uint8_t> bytes(ip + header, 0);
    bytes.insert(bytes.end(), payload.begin(), payload.end());
    if (v4) {
        bytes[0] = 0x45;
        store16(bytes, 2, bytes.size());
        bytes[8] = 64;
        bytes[9] = static_cast<std::uint8_t>(transport);
    } else {
        bytes[0] = 0x60;
        store16(bytes, 4, bytes.size() - ip);
        bytes[6] = static_cast<std::uint8_t>(transport);
        bytes[7] = 64;
    }
    std::copy_n(source.address.bytes().begin(), size,
                bytes.begin() + static_cast<std::ptrdiff_t>(ip - 2 * size));
    std::copy_n(destination.address.bytes().begin(), size,
                bytes.begin() + static_cast<std::ptrdiff_t>(ip - size));
    if (v4) store16(bytes, 10, fold(add_words(Bytes(bytes).first(ip), 0)));
    store16(bytes, ip, source.port);
    store16(bytes, ip + 2, destination.port);
    return bytes;
}

std::uint16_t checksum(const std::vector<std::uint8_t>& bytes, std::size_t ip, Transport transport) {
    const std::size_t addresses = ip == 20 ? 8 : 32;
    const Bytes all(bytes);
    const std::uint64_t sum = add_words(all.subspan(ip - addresses, addresses),
                                        static_cast<std::uint64_t>(transport) + bytes.size() - ip);
    return fold(add_words(all.subspan(ip), sum));
}

}  // namespace

std::vector<std::uint8_t> udp_packet(const Endpoint& source, const Endpoint& destination,
                                     std::string_view payload) {
    auto bytes = ip_packet(source, destination, Transport::udp, 8, payload);
    const std::size_t ip = source.address.is_v4() ? 20 : 40;
    store16(bytes, ip + 4, bytes.size() - ip);
    const std::uint16_t sum = checksum(bytes, ip, Transport::udp);
    store16(bytes, ip + 6, sum == 0 ? 0xFFFF : sum);
    return bytes;
}

std::vector<std::uint8_t> tcp_packet(const Endpoint& source, const Endpoint& destination,
                                     const TcpFields& fields, std::string_view payload) {
    auto bytes = ip_packet(source, destination, Transport::tcp, 20, payload);
    const std::size_t ip = source.address.is_v4() ? 20 : 40;
    store32(bytes, ip + 4, fields.sequence);
    store32(bytes, ip + 8, fields.acknowledgement);
    bytes[ip + 12] = 0x50;
    bytes[ip + 13] =
        static_cast<std::uint8_t>((fields.syn ? 2 : 0) | (fields.push ? 8 : 0) | (fields.ack ? 16 : 0));
    store16(bytes, ip + 14, 0xFFFF);
    store16(bytes, ip + 16, checksum(bytes, ip, Transport::tcp));
    return bytes;
}

}  // namespace sipalg::capture
