// A checked view of an IP packet with UDP or TCP in it, and the same packet with another payload.
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
    std::string_view payload;     ///< behind the UDP or TCP header; bytes that pad the frame are not in it
    std::size_t ip_header = 0;    ///< size of the IP header
    std::size_t header_size = 0;  ///< IP and transport headers together
};

/// nullopt: not IP, lengths that do not fit, a fragment, another transport, truncated headers. Checksums are
/// not looked at (has_right_checksum()): the kernel may have left them to the hardware.
std::optional<Packet> parse_packet(Bytes bytes);

/// Whether the UDP or TCP checksum of a packet is right (RFC 768, RFC 9293 3.1). A UDP checksum of 0 is none,
/// which is right over IPv4 alone (RFC 8200 8.1).
[[nodiscard]] bool has_right_checksum(Bytes bytes, const Packet& packet);

/// Writes `bytes` with `payload` in place of its own into `out`: lengths, IP header checksum and UDP checksum
/// are computed in full. A packet that grew may be fragmented (DF is cleared). UDP only. False when the
/// result would be longer than 65,535 bytes.
bool replace_payload(Bytes bytes, const Packet& packet, std::string_view payload,
                     std::vector<std::uint8_t>& out);

}  // namespace sipalg
