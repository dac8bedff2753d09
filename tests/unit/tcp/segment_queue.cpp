#include "alg/tcp/segment_queue.hpp"

#include <doctest/doctest.h>

#include <optional>

#include "tests/unit/packets.hpp"

using namespace sipalg;
using namespace sipalg::tcp;

TEST_CASE("P4 the copy of a queue has packets of its own") {
    const auto bytes = test::tcp_packet("192.168.1.10:5060", "203.0.113.10:5060", "payload");
    const auto packet = parse_packet(bytes);
    REQUIRE(packet);
    std::optional<SegmentQueue> first(std::in_place);
    first->add({7, bytes, *parse_segment(bytes, *packet), 0, 7}, true);
    const SegmentQueue copy = *first;
    first.reset();
    REQUIRE(copy.size() == 1);
    const SegmentQueue::Entry& entry = copy.entries()[0];
    CHECK(entry.packet == bytes);
    CHECK(entry.forwarded);
    CHECK(entry.carrier.token == 7);
    CHECK(entry.carrier.bytes.data() == entry.packet.data());
    CHECK(entry.carrier.bytes.size() == bytes.size());
    const auto* payload = reinterpret_cast<const char*>(entry.packet.data()) + packet->header_size;
    CHECK(entry.carrier.segment.payload.data() == payload);
    CHECK(entry.carrier.segment.payload == "payload");
    CHECK(copy.bytes() == bytes.size());
}
