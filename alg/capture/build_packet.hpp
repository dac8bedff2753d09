// Makes IP packets around payloads, for recordings.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "alg/net/packet.hpp"

namespace sipalg::capture {

/// A UDP packet; a payload that does not fit is truncated. Both ends are of one family. Checksums are right.
std::vector<std::uint8_t> udp_packet(const Endpoint& source, const Endpoint& destination,
                                     std::string_view payload);

struct TcpFields {
    std::uint32_t sequence = 0, acknowledgement = 0;
    bool syn = false, ack = false, push = false;
};
/// Likewise with TCP, without options.
std::vector<std::uint8_t> tcp_packet(const Endpoint& source, const Endpoint& destination,
                                     const TcpFields& fields, std::string_view payload);

}  // namespace sipalg::capture
