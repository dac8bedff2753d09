// Packets for tests.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "alg/address.hpp"

namespace sipalg::test {

/// An IPv4 packet with UDP, without checksums.
inline std::vector<std::uint8_t> udp_packet(std::string_view source, std::string_view destination,
                                            std::string_view payload) {
    const Endpoint from = Endpoint::parse(source).value();
    const Endpoint to = Endpoint::parse(destination).value();
    const std::size_t total = 28 + payload.size();
    const std::size_t udp = 8 + payload.size();
    std::vector<std::uint8_t> bytes(28, 0);
    const auto put16 = [&](std::size_t at, std::size_t value) {
        bytes[at] = static_cast<std::uint8_t>(value >> 8);
        bytes[at + 1] = static_cast<std::uint8_t>(value);
    };
    bytes[0] = 0x45;
    put16(2, total);
    bytes[8] = 64;
    bytes[9] = 17;
    for (std::size_t i = 0; i < 4; ++i) {
        bytes[12 + i] = from.address.bytes()[i];
        bytes[16 + i] = to.address.bytes()[i];
    }
    put16(20, from.port);
    put16(22, to.port);
    put16(24, udp);
    bytes.insert(bytes.end(), payload.begin(), payload.end());
    return bytes;
}

}  // namespace sipalg::test
