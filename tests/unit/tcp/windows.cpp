// X13: damaged segments, and segments outside the windows, change nothing.
#include <doctest/doctest.h>

#include "tests/unit/tcp/stream_bench.hpp"

using namespace sipalg;
using namespace sipalg::tcp;

namespace {

const auto size = static_cast<std::uint32_t>(message.size());
const auto grown = static_cast<std::uint32_t>(as_outside(message).size());

bool has_reset(const Bench& bench) {
    return std::any_of(bench.decision.outputs.begin(), bench.decision.outputs.end(),
                       [](const Output& output) {
                           if (output.bytes.empty()) return false;
                           return parse_segment(output.bytes, *parse_packet(output.bytes))->has(Segment::rst);
                       });
}

}  // namespace

TEST_CASE("X13 a segment with a wrong checksum passes unmodified and changes nothing") {
    Bench bench;
    bench.open();
    bench.damaged = true;
    CHECK(bench.send(Side::inside, Segment::ack, 100, 1000, message) == Texts{message});
    CHECK(bench.decision.reason == Reason::unreadable_packet);
    CHECK(bench.decision.changes.empty());
    bench.damaged = false;
    CHECK(bench.send(Side::inside, Segment::ack, 100, 1000, message) == Texts{as_outside(message)});
}

TEST_CASE("X13 a segment with a wrong checksum is dropped if sequence numbers are translated") {
    Bench bench;
    bench.open();
    bench.send(Side::inside, Segment::ack, 100, 1000, message);
    bench.damaged = true;
    CHECK(bench.send(Side::inside, Segment::ack, 100 + size, 1000, message).empty());
    bench.damaged = false;
    CHECK(bench.send(Side::inside, Segment::ack, 100 + size, 1000, message) == Texts{as_outside(message)});
}

TEST_CASE("X13 acknowledgements with random numbers neither reset nor change a connection") {
    for (const bool moved : {true, false}) {
        Bench bench;
        bench.open();
        std::uint32_t next = 100;
        if (moved) {
            bench.send(Side::inside, Segment::ack, next, 1000, message);
            next += size;
        }
        const std::uint32_t acknowledged = moved ? 100 + grown : 100;
        for (const std::uint32_t ack : {5'000'000U, 2'000'000'000U, acknowledged + 1, acknowledged + 2,
                                        acknowledged + 70'000, acknowledged - 700'000'000}) {
            CHECK(bench.send(Side::outside, Segment::ack, 1000, ack, "x").empty() == moved);
            CHECK_FALSE(has_reset(bench));
        }
        CHECK(bench.send(Side::inside, Segment::ack, next, 1000, message) == Texts{as_outside(message)});
        CHECK(bench.send(Side::outside, Segment::ack, 1000, acknowledged + grown, "\r\n") == Texts{"\r\n"});
    }
}

TEST_CASE("X13 bytes, FIN and window outside the receiver's window change nothing") {
    Bench bench;
    bench.open();
    bench.send(Side::inside, Segment::ack, 100, 1000, message);
    const std::uint32_t next = 100 + size;
    const auto& connection = bench.state.connections.all().begin()->second;
    const Time seen = connection.last_seen;
    bench.now += Time{1000};
    bench.window = 7;
    for (const std::uint32_t sequence : {next + 70'000, next + 1'000'000'000, next - 1'000'000'000}) {
        bench.send(Side::inside, Segment::ack | Segment::fin, sequence, 1000, "INVITE");
        CHECK(connection.last_seen == seen);
        CHECK(connection.from_phone.window != 7);
        CHECK_FALSE(connection.from_phone.fin);
        CHECK(connection.from_phone.queued_count() == 0);
    }
    CHECK(bench.send(Side::inside, 0, next, 0, message).empty());  // without ACK
    bench.window = 65535;
    CHECK(bench.send(Side::inside, Segment::ack, next, 1000, message) == Texts{as_outside(message)});
}

TEST_CASE("X13 a FIN counts once everything before it has arrived") {
    Bench bench;
    bench.open();
    const auto& connection = bench.state.connections.all().begin()->second;
    bench.send(Side::inside, Segment::ack | Segment::fin, 160, 1000, message.substr(60));
    CHECK_FALSE(connection.from_phone.fin);
    bench.send(Side::inside, Segment::ack, 100, 1000, message.substr(0, 60));
    CHECK(connection.from_phone.fin == Position{size});
}

TEST_CASE("T4 if both ends show that bytes have passed unseen, reading or the connection ends") {
    for (const bool moved : {true, false}) {
        Bench bench;
        bench.open();
        std::uint32_t next = 100, out = 100;
        if (moved) {
            bench.send(Side::inside, Segment::ack, next, 1000, message);
            next += size;
            out += grown;
        }
        // 60 bytes have passed while the queue was full; the receiver acknowledges them,
        bench.send(Side::outside, Segment::ack, 1000, out + 60, {});
        CHECK(bench.decision.reason == Reason::segment);
        // and the sender goes on behind them.
        const Texts rest = bench.send(Side::inside, Segment::ack, next + 60, 1000, message.substr(60));
        CHECK(bench.decision.reason == Reason::stream_lost);
        CHECK(has_reset(bench) == moved);
        if (!moved) CHECK(rest == Texts{message.substr(60)});
        if (moved) continue;
        CHECK(bench.send(Side::inside, Segment::ack, next + size, 1000, message) == Texts{message});
        CHECK(bench.decision.reason == Reason::unread_stream);
    }
}

TEST_CASE("T4 nothing is read before the SYN-ACK was seen") {
    Bench bench;
    bench.send(Side::inside, Segment::syn, 99, 0, {});
    CHECK(bench.send(Side::inside, Segment::ack, 100, 1000, message) == Texts{message});
    bench.send(Side::outside, Segment::syn | Segment::ack, 999, 100, {});
    CHECK(bench.send(Side::inside, Segment::ack, 100 + size, 1000, message) == Texts{message});
    CHECK(totals(bench.state).mappings <= 1);
}
