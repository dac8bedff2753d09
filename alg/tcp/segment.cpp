#include "alg/tcp/segment.hpp"

#include <algorithm>

#include "alg/net/checksum.hpp"

namespace sipalg::tcp {

namespace {

constexpr std::size_t fixed_header = 20;
constexpr std::size_t ipv4_header = 20, ipv6_header = 40;
constexpr std::size_t max_total = 65535;
constexpr std::uint8_t time_to_live = 64;

// Kinds of options (IANA, TCP Parameters).
constexpr std::uint8_t end_of_options = 0, no_operation = 1, maximum_segment_size = 2, window_scale = 3,
                       sack_permitted = 4, sack = 5, timestamps = 8, md5_signature = 19, authentication = 29,
                       multipath = 30;

std::uint32_t load32(Bytes bytes, std::size_t at) {
    return static_cast<std::uint32_t>(load16(bytes, at)) << 16 | load16(bytes, at + 2);
}

void store32(std::vector<std::uint8_t>& bytes, std::size_t at, std::uint32_t value) {
    store16(bytes, at, value >> 16);
    store16(bytes, at + 2, value & 0xffff);
}

// Calls `visit(kind, offset, length)` for each option that has a value. False: one exceeds the header.
template <class Visit>
bool each_option(Bytes bytes, std::size_t begin, std::size_t end, Visit visit) {
    for (std::size_t at = begin; at < end;) {
        const std::uint8_t kind = bytes[at];
        if (kind == end_of_options) return true;
        if (kind == no_operation) {
            ++at;
            continue;
        }
        if (at + 1 >= end) return false;
        const std::size_t length = bytes[at + 1];
        if (length < 2 || at + length > end) return false;
        visit(kind, at, length);
        at += length;
    }
    return true;
}

}  // namespace

std::optional<Segment> parse_segment(Bytes bytes, const Packet& packet) {
    Segment segment;
    segment.header_size = packet.header_size;
    segment.tcp_header = packet.ip_header;
    const std::size_t tcp = segment.tcp_header;
    segment.sequence = load32(bytes, tcp + 4);
    segment.acknowledgement = load32(bytes, tcp + 8);
    segment.flags = bytes[tcp + 13];
    segment.window = load16(bytes, tcp + 14);
    segment.payload = packet.payload;
    const bool whole = each_option(
        bytes, tcp + fixed_header, segment.header_size,
        [&](std::uint8_t kind, std::size_t at, std::size_t length) {
            if (kind == maximum_segment_size && length == 4) segment.mss = load16(bytes, at + 2);
            if (kind == window_scale && length == 3)
                segment.window_scale = std::min<std::uint8_t>(bytes[at + 2], 14);
            if (kind == sack_permitted) segment.sack_permitted = true;
            if (kind == timestamps && length == 10)
                segment.timestamps = {load32(bytes, at + 2), load32(bytes, at + 6)};
            if (kind == md5_signature || kind == authentication) segment.authenticated = true;
            if (kind != sack) return;
            for (std::size_t block = at + 2;
                 block + 8 <= at + length && segment.sack_count < Segment::max_sacks; block += 8)
                segment.sacks[segment.sack_count++] = {load32(bytes, block), load32(bytes, block + 4)};
        });
    if (!whole) return std::nullopt;
    return segment;
}

void finish_packet(std::vector<std::uint8_t>& out, std::size_t tcp_header) {
    const bool v4 = out[0] >> 4 == 4;
    const std::size_t tcp_size = out.size() - tcp_header;
    std::uint64_t sum = static_cast<std::uint64_t>(Transport::tcp) + tcp_size;
    if (v4) {
        store16(out, 2, out.size());
        store16(out, 10, 0);
        store16(out, 10, fold(add_words({out.data(), tcp_header}, 0)));
        sum = add_words({out.data() + 12, 8}, sum);
    } else {
        store16(out, 4, out.size() - ipv6_header);
        sum = add_words({out.data() + 8, 32}, sum);
    }
    store16(out, tcp_header + 16, 0);
    store16(out, tcp_header + 16, fold(add_words({out.data() + tcp_header, tcp_size}, sum)));
}

bool write_segment(Bytes bytes, const Segment& segment, const Rewrite& rewrite,
                   std::vector<std::uint8_t>& out) {
    const std::size_t total = segment.header_size + rewrite.payload.size();
    if (total > max_total) return false;
    const std::size_t tcp = segment.tcp_header;
    out.resize(total);
    std::copy_n(bytes.begin(), segment.header_size, out.begin());
    std::copy(rewrite.payload.begin(), rewrite.payload.end(),
              out.begin() + static_cast<std::ptrdiff_t>(segment.header_size));
    store32(out, tcp + 4, rewrite.sequence);
    store32(out, tcp + 8, rewrite.acknowledgement);
    out[tcp + 13] = rewrite.flags;
    std::size_t block_number = 0;
    each_option(bytes, tcp + fixed_header, segment.header_size,
                [&](std::uint8_t kind, std::size_t at, std::size_t length) {
                    if (kind == maximum_segment_size && length == 4 && rewrite.mss)
                        store16(out, at + 2, *rewrite.mss);
                    if (kind == timestamps && length == 10 && rewrite.timestamp)
                        store32(out, at + 2, *rewrite.timestamp);
                    if (kind == multipath && rewrite.plain_tcp)
                        std::fill_n(out.begin() + static_cast<std::ptrdiff_t>(at), length, no_operation);
                    if (kind != sack) return;
                    for (std::size_t block = at + 2;
                         block + 8 <= at + length && block_number < Segment::max_sacks; block += 8) {
                        store32(out, block, rewrite.sacks[block_number].first);
                        store32(out, block + 4, rewrite.sacks[block_number++].second);
                    }
                });
    // The sender set "don't fragment" for the original size; the larger packet may not fit the path (T3).
    if (out[0] >> 4 == 4 && rewrite.payload.size() > segment.payload.size())
        out[6] = static_cast<std::uint8_t>(out[6] & ~0x40);
    finish_packet(out, tcp);
    return true;
}

std::vector<std::uint8_t> make_segment(const SegmentFields& fields) {
    const bool v4 = fields.source.address.is_v4();
    const std::size_t tcp = v4 ? ipv4_header : ipv6_header;
    const std::size_t options = (fields.timestamps ? 12U : 0U) + (fields.sack ? 12U : 0U);
    std::vector<std::uint8_t> out(tcp + fixed_header + options);
    const auto put = [&](const Address& address, std::size_t at) {
        std::copy_n(address.bytes().begin(), address.size(), out.begin() + static_cast<std::ptrdiff_t>(at));
    };
    if (v4) {
        out[0] = 0x45;
        out[6] = 0x40;  // DF: no identification is needed
        out[8] = time_to_live;
        out[9] = static_cast<std::uint8_t>(Transport::tcp);
        put(fields.source.address, 12);
        put(fields.destination.address, 16);
    } else {
        out[0] = 0x60;
        out[6] = static_cast<std::uint8_t>(Transport::tcp);
        out[7] = time_to_live;
        put(fields.source.address, 8);
        put(fields.destination.address, 24);
    }
    store16(out, tcp, fields.source.port);
    store16(out, tcp + 2, fields.destination.port);
    store32(out, tcp + 4, fields.sequence);
    store32(out, tcp + 8, fields.acknowledgement);
    out[tcp + 12] = static_cast<std::uint8_t>((fixed_header + options) / 4 << 4);
    out[tcp + 13] = fields.flags;
    store16(out, tcp + 14, fields.window);
    std::size_t at = tcp + fixed_header;
    if (fields.timestamps) {
        out[at] = out[at + 1] = no_operation;
        out[at + 2] = timestamps;
        out[at + 3] = 10;
        store32(out, at + 4, fields.timestamps->first);
        store32(out, at + 8, fields.timestamps->second);
        at += 12;
    }
    if (fields.sack) {
        out[at] = out[at + 1] = no_operation;
        out[at + 2] = sack;
        out[at + 3] = 10;
        store32(out, at + 4, fields.sack->first);
        store32(out, at + 8, fields.sack->second);
    }
    out.insert(out.end(), fields.payload.begin(), fields.payload.end());
    finish_packet(out, tcp);
    return out;
}

}  // namespace sipalg::tcp
