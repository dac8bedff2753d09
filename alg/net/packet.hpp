// A checked view of an IP packet that carries UDP or TCP, and a copy of it with another payload.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "alg/net/address.hpp"

namespace sipalg {

using Bytes = std::span<const std::uint8_t>;

/// A whole IPv4 or IPv6 packet. Views into the bytes given to parse_packet().
struct Packet {
    Transport transport = Transport::udp;
    Endpoint source;
    Endpoint destination;
    std::string_view payload;     ///< the bytes after the UDP or TCP header, without the padding of the frame
    std::size_t ip_header = 0;    ///< size of the IP header
    std::size_t header_size = 0;  ///< IP and transport headers together
};

/// nullopt: not IP, lengths that do not fit, a fragment, another transport, truncated headers. Checksums are
/// not verified here, because the kernel may have left them to the hardware (see has_right_checksum()).
std::optional<Packet> parse_packet(Bytes bytes);

/// Whether the UDP or TCP checksum of a packet is correct (RFC 768, RFC 9293 3.1). A UDP checksum of 0 means
/// that there is none, which only IPv4 allows (RFC 8200 8.1).
[[nodiscard]] bool has_right_checksum(Bytes bytes, const Packet& packet);

/// Writes the packet `bytes` to `out` with another payload. Lengths, the IP header checksum and the UDP
/// checksum are computed anew. A packet that grew may be fragmented (DF is cleared). UDP only. False when the
/// result would be longer than 65,535 bytes. `destination_port` replaces the port of the packet.
bool replace_payload(Bytes bytes, const Packet& packet, std::string_view payload,
                     std::vector<std::uint8_t>& out,
                     std::optional<std::uint16_t> destination_port = std::nullopt);

}  // namespace sipalg
