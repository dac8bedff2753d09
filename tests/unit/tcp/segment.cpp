#include "alg/tcp/segment.hpp"

#include <doctest/doctest.h>

#include "alg/net/checksum.hpp"
#include "alg/tcp/position.hpp"

using namespace sipalg;
using namespace sipalg::tcp;

namespace {

SegmentFields example() {
    SegmentFields made;
    made.source = *Endpoint::parse("192.168.1.11:40000");
    made.destination = *Endpoint::parse("203.0.113.10:5060");
    made.sequence = 0xfffffff0;
    made.acknowledgement = 77;
    made.window = 1234;
    made.flags = Segment::ack | Segment::psh;
    made.timestamps = {5, 6};
    made.sack = SackBlock{100, 200};
    made.payload = "hello";
    return made;
}

// Of a packet of IPv4 or IPv6 and TCP: the sum over everything is that of a right packet.
bool right_checksums(const std::vector<std::uint8_t>& bytes) {
    const auto packet = parse_packet(bytes);
    if (!packet) return false;
    const bool v4 = bytes[0] >> 4 == 4;
    const std::size_t tcp = packet->ip_header;
    if (v4 && fold(add_words({bytes.data(), tcp}, 0)) != 0) return false;
    std::uint64_t sum = 6 + bytes.size() - tcp;
    sum = v4 ? add_words({bytes.data() + 12, 8}, sum) : add_words({bytes.data() + 8, 32}, sum);
    return fold(add_words({bytes.data() + tcp, bytes.size() - tcp}, sum)) == 0;
}

Segment read(const std::vector<std::uint8_t>& bytes) {
    const auto packet = parse_packet(bytes);
    REQUIRE(packet);
    const auto segment = parse_segment(bytes, *packet);
    REQUIRE(segment);
    return *segment;
}

}  // namespace

TEST_CASE("T2 a created segment is read back with the same fields, over IPv4 and IPv6") {
    for (const bool v6 : {false, true}) {
        SegmentFields made = example();
        if (v6) {
            made.source = *Endpoint::parse("[2001:db8::1]:40000");
            made.destination = *Endpoint::parse("[2001:db8::2]:5060");
        }
        const auto bytes = make_segment(made);
        CHECK(right_checksums(bytes));
        const Segment segment = read(bytes);
        CHECK(segment.sequence == made.sequence);
        CHECK(segment.acknowledgement == 77);
        CHECK(segment.window == 1234);
        CHECK(segment.has(Segment::psh));
        CHECK(segment.payload == "hello");
        CHECK(segment.timestamps == std::pair<std::uint32_t, std::uint32_t>{5, 6});
        REQUIRE(segment.sack_count == 1);
        CHECK(segment.sacks[0] == SackBlock{100, 200});
    }
}

TEST_CASE("T2 T3 numbers, SACK blocks and payload are replaced, checksums computed, other bytes unchanged") {
    const auto bytes = make_segment(example());
    const Segment segment = read(bytes);
    Rewrite rewrite;
    rewrite.sequence = 9;
    rewrite.acknowledgement = 8;
    rewrite.flags = segment.flags | Segment::fin;
    rewrite.payload = "a longer text";
    rewrite.sacks[0] = {300, 400};
    std::vector<std::uint8_t> out;
    REQUIRE(write_segment(bytes, segment, rewrite, out));
    CHECK(right_checksums(out));
    const Segment changed = read(out);
    CHECK(changed.sequence == 9);
    CHECK(changed.acknowledgement == 8);
    CHECK(changed.is_fin());
    CHECK(changed.payload == "a longer text");
    CHECK(changed.sacks[0] == SackBlock{300, 400});
    CHECK(changed.timestamps == segment.timestamps);
    CHECK((out[6] & 0x40) == 0);  // it grew: it may be fragmented
    rewrite.payload = "short";
    REQUIRE(write_segment(bytes, segment, rewrite, out));
    CHECK((out[6] & 0x40) == 0x40);
}

TEST_CASE("T3 the MSS of a SYN is lowered, and its multipath TCP option overwritten") {
    auto bytes = make_segment({*Endpoint::parse("192.168.1.11:1"),
                               *Endpoint::parse("203.0.113.10:5060"),
                               1,
                               0,
                               1000,
                               Segment::syn,
                               {},
                               {},
                               {}});
    const std::vector<std::uint8_t> options{2, 4, 0x05, 0xb4, 4, 2, 3, 3, 7, 30, 4, 0, 0x81, 1, 1, 0};
    bytes.insert(bytes.end(), options.begin(), options.end());
    bytes[3] = static_cast<std::uint8_t>(bytes.size());
    bytes[32] = static_cast<std::uint8_t>((20 + options.size()) / 4 << 4);
    const Segment segment = read(bytes);
    CHECK(segment.mss == 1460);
    CHECK(segment.sack_permitted);
    CHECK(segment.window_scale == 7);
    Rewrite rewrite;
    rewrite.sequence = 1;
    rewrite.flags = Segment::syn;
    rewrite.mss = 1340;
    rewrite.plain_tcp = true;
    std::vector<std::uint8_t> out;
    REQUIRE(write_segment(bytes, segment, rewrite, out));
    CHECK(read(out).mss == 1340);
    CHECK(std::vector<std::uint8_t>(out.end() - 7, out.end()) ==
          std::vector<std::uint8_t>{1, 1, 1, 1, 1, 1, 0});
    CHECK(right_checksums(out));
}

TEST_CASE("X6 a segment whose options exceed the header is refused") {
    auto bytes = make_segment(example());
    bytes[20 + 20 + 3] = 200;  // the length of the timestamps
    CHECK_FALSE(parse_segment(bytes, *parse_packet(bytes)));
    bytes[20 + 20 + 3] = 1;
    CHECK_FALSE(parse_segment(bytes, *parse_packet(bytes)));
}

TEST_CASE("T2 positions do not wrap where sequence numbers do") {
    const std::uint32_t initial = 0xfffffff0;
    CHECK(position(0xfffffff1, initial, 0) == 0);
    CHECK(position(5, initial, 0) == 20);
    CHECK(position(sequence(0x1'0000'0123, initial), initial, 0x1'0000'0000) == 0x1'0000'0123);
    CHECK(position(0xfffffff0, initial, 3) == -1);
}
