#include "alg/net/packet.hpp"

#include <doctest/doctest.h>

#include "tests/unit/packets.hpp"

using namespace sipalg;

namespace {
// One's complement sum of a whole header or pseudo header with its checksum in place is 0xffff.
unsigned sum(const std::vector<std::uint8_t>& bytes, std::size_t from, std::size_t to, unsigned start) {
    unsigned long total = start;
    for (std::size_t i = from; i < to; i += 2)
        total += static_cast<unsigned>(bytes[i] << 8) | (i + 1 < to ? bytes[i + 1] : 0U);
    while (total >> 16)
        total = (total & 0xffff) + (total >> 16);
    return static_cast<unsigned>(total);
}
}  // namespace

TEST_CASE("a UDP packet is read") {
    const auto bytes = test::udp_packet("192.168.1.10:5060", "203.0.113.10:5070", "hello");
    const auto packet = parse_packet(bytes);
    REQUIRE(packet);
    CHECK(packet->source.text() == "192.168.1.10:5060");
    CHECK(packet->destination.text() == "203.0.113.10:5070");
    CHECK(packet->payload == "hello");
}

TEST_CASE("padding after the datagram is not payload") {
    auto bytes = test::udp_packet("192.168.1.10:5060", "203.0.113.10:5070", "hi");
    bytes.resize(bytes.size() + 16, 0);
    CHECK(parse_packet(bytes)->payload == "hi");
}

TEST_CASE("lengths that do not fit and fragments are refused") {
    const auto good = test::udp_packet("192.168.1.10:5060", "203.0.113.10:5070", "hello");
    for (std::size_t size = 0; size < good.size(); ++size)
        CHECK_FALSE(parse_packet(Bytes(good).first(size)));
    auto bad = good;
    bad[0] = 0x44;  // header length below 20
    CHECK_FALSE(parse_packet(bad));
    bad = good;
    bad[25] = 7;  // UDP length below 8
    CHECK_FALSE(parse_packet(bad));
    bad = good;
    bad[6] = 0x20;  // more fragments
    CHECK_FALSE(parse_packet(bad));
    bad = good;
    bad[9] = 47;  // GRE
    CHECK_FALSE(parse_packet(bad));
}

TEST_CASE("X13 a UDP checksum is correct, wrong, or absent over IPv4") {
    for (const bool v4 : {true, false}) {
        const auto without = v4 ? test::udp_packet("192.168.1.10:5060", "203.0.113.10:5070", "hello")
                                : test::udp_packet("[2001:db8::1]:5060", "[2001:db8::2]:5070", "hello");
        const auto packet = parse_packet(without);
        REQUIRE(packet);
        CHECK(has_right_checksum(without, *packet) == v4);
        std::vector<std::uint8_t> right;
        REQUIRE(replace_payload(without, *packet, "hello world", right));
        CHECK(has_right_checksum(right, *parse_packet(right)));
        for (std::size_t i = packet->ip_header; i < right.size(); ++i) {
            if (i - packet->ip_header == 4 || i - packet->ip_header == 5) continue;  // the length
            auto wrong = right;
            wrong[i] ^= 0x10;
            CHECK_FALSE(has_right_checksum(wrong, *parse_packet(wrong)));
        }
    }
}

TEST_CASE("lengths and checksums are correct for another payload") {
    const auto bytes = test::udp_packet("192.168.1.10:5060", "203.0.113.10:5070", "hello");
    const auto packet = parse_packet(bytes);
    REQUIRE(packet);
    for (const char* text : {"", "a", "a longer payload than before"}) {
        std::vector<std::uint8_t> out;
        REQUIRE(replace_payload(bytes, *packet, text, out));
        const auto again = parse_packet(out);
        REQUIRE(again);
        CHECK(again->payload == text);
        CHECK(again->source == packet->source);
        CHECK(sum(out, 0, 20, 0) == 0xffff);
        CHECK(sum(out, 12, out.size(), static_cast<unsigned>(17 + out.size() - 20)) == 0xffff);
    }
    std::vector<std::uint8_t> out;
    CHECK_FALSE(replace_payload(bytes, *packet, std::string(65535, 'x'), out));
    REQUIRE(replace_payload(bytes, *packet, "hello", out, 5080));
    CHECK(parse_packet(out)->destination.port == 5080);
    CHECK(has_right_checksum(out, *parse_packet(out)));
}

TEST_CASE("only a packet that grew may be fragmented (T3)") {
    auto bytes = test::udp_packet("192.168.1.10:5060", "203.0.113.10:5070", "hello");
    bytes[6] = 0x40;
    const auto packet = parse_packet(bytes);
    REQUIRE(packet);
    std::vector<std::uint8_t> out;
    REQUIRE(replace_payload(bytes, *packet, "hell", out));
    CHECK(out[6] == 0x40);
    REQUIRE(replace_payload(bytes, *packet, "hello!", out));
    CHECK(out[6] == 0);
    CHECK(sum(out, 0, 20, 0) == 0xffff);
}
