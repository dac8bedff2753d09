// A TCP segment: its header as fields, and the same segment with other numbers and another payload.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "alg/net/packet.hpp"

namespace sipalg::tcp {

/// One selective acknowledgement (RFC 2018): the sequence numbers of the first byte and after the last byte.
using SackBlock = std::pair<std::uint32_t, std::uint32_t>;

/// Header fields and options of a segment (RFC 9293 3.1). Views and offsets into the packet that was read.
struct Segment {
    static constexpr std::uint8_t fin = 0x01, syn = 0x02, rst = 0x04, psh = 0x08, ack = 0x10, urg = 0x20;
    static constexpr std::size_t max_sacks = 4;

    std::uint32_t sequence = 0, acknowledgement = 0;
    std::uint16_t window = 0;  ///< not scaled
    std::uint8_t flags = 0;
    std::string_view payload;
    std::optional<std::uint16_t> mss;
    std::optional<std::uint8_t> window_scale;
    std::optional<std::pair<std::uint32_t, std::uint32_t>> timestamps;  ///< value, echo (RFC 7323)
    bool sack_permitted = false;
    bool authenticated = false;  ///< MD5 or TCP-AO: no byte may change (RFC 2385, RFC 5925)
    std::array<SackBlock, max_sacks> sacks{};
    std::size_t sack_count = 0;
    std::size_t header_size = 0;  ///< IP and TCP headers together
    std::size_t tcp_header = 0;   ///< offset of the TCP header

    bool has(std::uint8_t flag) const { return (flags & flag) != 0; }
    bool is_fin() const { return has(fin); }
};

/// The segment in a TCP packet. nullopt: its options do not fit into the header.
std::optional<Segment> parse_segment(Bytes bytes, const Packet& packet);

/// The fields of a segment to change; all others stay.
struct Rewrite {
    std::uint32_t sequence = 0, acknowledgement = 0;
    std::uint8_t flags = 0;
    std::string_view payload;
    std::array<SackBlock, Segment::max_sacks> sacks{};  ///< as many as the segment has
    std::optional<std::uint16_t> mss;                   ///< only where the segment has one
    std::optional<std::uint32_t> timestamp;             ///< likewise; the echo stays
    bool plain_tcp = false;                             ///< overwrite the option of multipath TCP (RFC 8684)
};

/// Writes the packet `bytes`, which contains `segment`, to `out` with the changes of `rewrite`, including
/// lengths and checksums. A packet that grew may be fragmented (DF is cleared). False: longer than 65,535
/// bytes.
bool write_segment(Bytes bytes, const Segment& segment, const Rewrite& rewrite,
                   std::vector<std::uint8_t>& out);

/// Computes the lengths and checksums of a packet whose TCP header begins at `tcp_header`.
void finish_packet(std::vector<std::uint8_t>& packet, std::size_t tcp_header);

/// The fields of a segment that the daemon creates.
struct SegmentFields {
    Endpoint source, destination;
    std::uint32_t sequence = 0, acknowledgement = 0;
    std::uint16_t window = 0;
    std::uint8_t flags = Segment::ack;
    std::optional<std::pair<std::uint32_t, std::uint32_t>> timestamps;
    std::optional<SackBlock> sack;
    std::string_view payload;
};
/// The packet with that segment. Precondition: both endpoints are of one family.
std::vector<std::uint8_t> make_segment(const SegmentFields& fields);

}  // namespace sipalg::tcp
