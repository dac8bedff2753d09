// Packets for tests.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "alg/net/address.hpp"

namespace sipalg::test {

/// An IPv4 or IPv6 packet with UDP, by the family of its ends, without checksums.
inline std::vector<std::uint8_t> udp_packet(std::string_view source, std::string_view destination,
                                            std::string_view payload) {
    const Endpoint from = Endpoint::parse(source).value();
    const Endpoint to = Endpoint::parse(destination).value();
    const bool v4 = from.address.is_v4();
    const std::size_t header = v4 ? 20 : 40;
    const std::size_t udp = 8 + payload.size();
    std::vector<std::uint8_t> bytes(header + 8, 0);
    const auto put16 = [&](std::size_t at, std::size_t value) {
        bytes[at] = static_cast<std::uint8_t>(value >> 8);
        bytes[at + 1] = static_cast<std::uint8_t>(value);
    };
    bytes[0] = v4 ? 0x45 : 0x60;
    put16(v4 ? 2 : 4, v4 ? header + udp : udp);
    bytes[v4 ? 8 : 7] = 64;
    bytes[v4 ? 9 : 6] = 17;
    const std::size_t size = from.address.size();
    for (std::size_t i = 0; i < size; ++i) {
        bytes[header - 2 * size + i] = from.address.bytes()[i];
        bytes[header - size + i] = to.address.bytes()[i];
    }
    put16(header, from.port);
    put16(header + 2, to.port);
    put16(header + 4, udp);
    bytes.insert(bytes.end(), payload.begin(), payload.end());
    return bytes;
}

/// The same with TCP: a segment without options.
inline std::vector<std::uint8_t> tcp_packet(std::string_view source, std::string_view destination,
                                            std::string_view payload) {
    std::vector<std::uint8_t> bytes = udp_packet(source, destination, payload);
    const bool v4 = bytes[0] == 0x45;
    const std::size_t header = v4 ? 20 : 40;
    bytes[v4 ? 9 : 6] = 6;
    bytes.insert(bytes.begin() + static_cast<std::ptrdiff_t>(header + 8), 12, 0);
    bytes[header + 4] = bytes[header + 5] = 0;
    bytes[header + 12] = 0x50;
    const std::size_t length = bytes.size() - (v4 ? 0 : header);
    bytes[v4 ? 2 : 4] = static_cast<std::uint8_t>(length >> 8);
    bytes[v4 ? 3 : 5] = static_cast<std::uint8_t>(length);
    return bytes;
}

}  // namespace sipalg::test
