#include "alg/tcp/connections.hpp"

#include <doctest/doctest.h>

#include "tests/unit/tcp/stream_bench.hpp"

using namespace sipalg;
using namespace sipalg::tcp;

TEST_CASE("T1 a message waits until it is complete, then all its segments are sent") {
    Bench bench;
    bench.open();
    CHECK(bench.send(Side::inside, Segment::ack, 100, 1000, message.substr(0, 60)).empty());
    const Texts out = bench.send(Side::inside, Segment::ack, 160, 1000, message.substr(60));
    REQUIRE(out.size() == 2);
    CHECK(out[0] + out[1] == as_outside(message));
}

TEST_CASE("T1 an incomplete message is sent unmodified after 10 s") {
    Bench bench;
    bench.open();
    CHECK(bench.send(Side::inside, Segment::ack, 100, 1000, message.substr(0, 60)).empty());
    Texts out;
    for (int i = 0; i < 1000 && out.empty(); ++i) {
        bench.pass(Time{50});
        for (const Output& output : bench.decision.outputs)
            if (output.kind == Output::Kind::pass) out.push_back("the segment");
    }
    CHECK(out == Texts{"the segment"});
    CHECK(bench.now - Time{1'000'000} >= Time{10'000});
}

TEST_CASE("T1 bytes of an incomplete message are acknowledged locally, and retransmitted for the sender") {
    Bench bench;
    bench.open();
    bench.send(Side::inside, Segment::ack, 100, 1000, message.substr(0, 60));
    bench.pass(Time{25});
    REQUIRE(bench.decision.outputs.size() == 1);
    const Output& told = bench.decision.outputs.front();
    CHECK(told.kind == Output::Kind::inject);
    CHECK(told.from == Side::outside);
    CHECK(parse_segment(told.bytes, *parse_packet(told.bytes))->acknowledgement == 160);
    bench.send(Side::inside, Segment::ack, 160, 1000, message.substr(60));
    bench.pass(Time{300});
    REQUIRE(bench.decision.outputs.size() == 1);
    CHECK(bench.payloads({}) == Texts{as_outside(message).substr(0, 60)});  // the part that was acknowledged
}

TEST_CASE("T4 a clean stop resets connections with translated sequence numbers, and no others") {
    Bench bench;
    bench.open(40000);
    bench.open(40001);
    bench.send(Side::inside, Segment::ack, 100, 1000, message, 40000);
    end_connections(bench.state, bench.now, bench.decision);
    CHECK(bench.decision.outputs.size() == 3);  // to the peer for what was sent and for what has arrived
    for (const Output& output : bench.decision.outputs) {
        const auto segment = parse_segment(output.bytes, *parse_packet(output.bytes));
        CHECK(segment->has(Segment::rst));
    }
    CHECK(bench.send(Side::inside, Segment::ack, 100, 1000, "\r\n\r\n", 40001) == Texts{"\r\n\r\n"});
}

TEST_CASE("X7 without memory an incomplete message is sent unmodified") {
    Policy policy;
    policy.max_stream_memory = 100;
    Bench bench(policy);
    bench.open(40000);
    bench.open(40001);
    bench.send(Side::inside, Segment::ack, 100, 1000, message.substr(0, 200), 40000);
    CHECK(bench.send(Side::inside, Segment::ack, 100, 1000, message.substr(0, 50), 40001) ==
          Texts{message.substr(0, 50)});
    CHECK(bench.decision.reasons == std::vector{Reason::let_through});
}

TEST_CASE("T1 a closed window is probed after a local acknowledgement, for as long as the receiver answers") {
    Bench bench;
    stall(bench);
    bench.send(Side::inside, Segment::ack, 160, 1000, message.substr(60));
    bool answers = true;
    SUBCASE("it does") {}
    SUBCASE("it does not") {
        answers = false;
    }
    std::size_t asked = 0, resets = 0;
    for (int i = 0; i < 5000 && resets == 0; ++i) {
        bench.pass(Time{100});
        bool probed = false;
        for (const Output& output : bench.decision.outputs) {
            if (output.kind != Output::Kind::inject) continue;
            const auto segment = parse_segment(output.bytes, *parse_packet(output.bytes));
            if (segment->has(Segment::rst)) ++resets;
            if (output.from != Side::inside || segment->has(Segment::rst)) continue;
            CHECK(segment->sequence == 99);
            CHECK(segment->payload.empty());
            probed = true;
        }
        bench.decision.outputs.clear();
        if (!probed) continue;
        ++asked;
        bench.window = 0;
        if (answers) bench.send(Side::outside, Segment::ack, 1000, 100, {});
        bench.window = 65535;
    }
    CHECK(asked >= 7);
    CHECK((resets > 0) == !answers);
    CHECK(asked < 50);
    if (answers) CHECK(bench.send(Side::outside, Segment::ack, 1000, 100, {}).size() >= 2);
}

TEST_CASE("T1 retransmission starts again at its first interval when a closed window opens") {
    Bench bench;
    stall(bench);
    bench.send(Side::inside, Segment::ack, 160, 1000, message.substr(60));
    for (int i = 0; i < 400; ++i) {
        bench.pass(Time{100});
        if (std::exchange(bench.decision.outputs, {}).empty()) continue;
        bench.window = 0;
        bench.send(Side::outside, Segment::ack, 1000, 100, {});
        bench.window = 65535;
    }
    CHECK(bench.send(Side::outside, Segment::ack, 1000, 100, {}).size() >= 2);
    bench.decision.outputs.clear();
    bench.pass(Time{300});
    CHECK(bench.payloads({}) == Texts{as_outside(message).substr(0, 60)});
}

TEST_CASE("X7 bytes for a receiver with a closed window are kept up to the limit") {
    Policy policy;
    policy.max_stream_memory = 10'000;
    Bench bench(policy);
    stall(bench);
    std::uint32_t next = 160;
    const std::string more = message.substr(60) + std::string(1000, '\n');
    for (int i = 0; i < 100; ++i) {
        bench.send(Side::inside, Segment::ack, next, 1000, more);
        next += static_cast<std::uint32_t>(more.size());
        CHECK(memory(bench) < 30'000);
    }
    CHECK(count(bench.decision.outputs, Output::Kind::drop) == 1);
}

TEST_CASE("X7 bytes that are kept to find the end of a message take at most twice the limit") {
    Policy policy;
    policy.max_stream_memory = 2'000;
    SUBCASE("edited") {}
    SUBCASE("only read") {
        policy.edits = false;
    }
    Bench bench(policy);
    const std::string head = message.substr(0, message.find("Content-Length")) + "X: ";
    for (std::uint16_t port = 40000; port < 40020; ++port) {
        bench.open(port);
        bench.send(Side::inside, Segment::ack, 100, 1000, head + std::string(1000, 'x'), port);
    }
    CHECK(memory(bench) < 6'000);
    CHECK(bench.decision.reasons == std::vector{Reason::let_through});
}

TEST_CASE("X7 segments that are only read are kept up to the limit") {
    Policy policy;
    policy.edits = false;
    policy.max_stream_memory = 2'000;
    Bench bench(policy);
    for (std::uint16_t port = 40000; port < 40020; ++port) {
        bench.open(port);
        bench.send(Side::inside, Segment::ack, 200, 1000, std::string(1000, 'x'), port);
    }
    CHECK(memory(bench) < 4'000);
}
