// X7: one host cannot take what others need.
#include <doctest/doctest.h>

#include "alg/tcp/half_open.hpp"
#include "tests/unit/tcp/stream_bench.hpp"

using namespace sipalg;
using namespace sipalg::tcp;

namespace {

std::string of_phone(const std::string& phone) {
    std::string text = message;
    for (std::size_t at = 0; (at = text.find("192.168.1.10", at)) != std::string::npos; at += phone.size())
        text.replace(at, 12, phone);
    return text;
}

std::size_t connections(Bench& bench) {
    return bench.state.connections.all().size();
}

}  // namespace

TEST_CASE("X7 incomplete messages of one phone leave memory for another") {
    Policy policy;
    policy.max_stream_memory = 100'000;
    policy.max_stream_memory_per_phone = 30'000;
    Bench bench(policy);
    const std::string head =
        message.substr(0, message.find("Content-Length")) + "Content-Length: 60000\r\n\r\n";
    for (std::uint16_t port = 40000; port < 40010; ++port) {
        bench.open(port);
        bench.send(Side::inside, Segment::ack, 100, 1000, head + std::string(19'000, 'x'), port);
    }
    CHECK(memory(bench) < 80'000);
    bench.phone = "192.168.1.11";
    const std::string text = of_phone(bench.phone);
    bench.open();
    CHECK(bench.send(Side::inside, Segment::ack, 100, 1000, text.substr(0, 60)).empty());
    const Texts out = bench.send(Side::inside, Segment::ack, 160, 1000, text.substr(60));
    REQUIRE(out.size() == 2);
    CHECK((out[0] + out[1]).find("192.168.1.11") == std::string::npos);
}

TEST_CASE("X7 queued packets of one phone leave room for another") {
    Policy policy;
    policy.max_held_segments = 10;
    policy.max_held_segments_per_phone = 5;
    Bench bench(policy);
    for (std::uint16_t port = 40000; port < 40020; ++port) {
        bench.open(port);
        bench.send(Side::inside, Segment::ack, 100, 1000, message.substr(0, 60), port);
    }
    CHECK(count(bench.decision.outputs, Output::Kind::drop) == 1);
    bench.phone = "192.168.1.11";
    bench.open();
    bench.send(Side::inside, Segment::ack, 100, 1000, message.substr(0, 60));
    CHECK(bench.decision.outputs.empty());  // it is queued
}

TEST_CASE("X7 bytes for a receiver that acknowledges nothing have a limit, for any window") {
    Bench bench;
    bench.scale = 14;
    bench.open();
    bench.send(Side::inside, Segment::ack, 100, 1000, message.substr(0, 60));
    bench.pass(Time{25});  // acknowledged locally
    REQUIRE(bench.decision.outputs.size() == 1);
    bench.send(Side::outside, Segment::ack, 1000, 100, {});  // a window of 1 GiB
    std::uint32_t next = 160;
    const std::string more = message.substr(60) + message.substr(0, 60);
    for (int i = 0; i < 3000; ++i) {
        bench.send(Side::inside, Segment::ack, next, 1000, more);
        if (count(bench.decision.outputs, Output::Kind::drop) > 0) break;
        next += static_cast<std::uint32_t>(more.size());
        REQUIRE(memory(bench) < 300'000);
    }
    CHECK(count(bench.decision.outputs, Output::Kind::drop) == 1);
    const auto& direction = bench.state.connections.all().begin()->second.from_phone;
    bench.send(Side::outside, Segment::ack, 1000, sequence(direction.map().out(direction.sent()), 99), {});
    CHECK(memory(bench) < 1'000);
    CHECK_FALSE(bench.send(Side::inside, Segment::ack, next, 1000, more).empty());
}

TEST_CASE("X7 at the limit the oldest half-open connection of the host that has most is removed") {
    Policy policy;
    policy.max_half_open_streams = 4;
    Bench bench(policy);
    bench.phone = "192.168.1.20";
    for (std::uint16_t port = 40000; port < 40004; ++port)
        bench.send(Side::inside, Segment::syn, 99, 0, {}, port);
    CHECK(connections(bench) == 4);
    bench.phone = "192.168.1.10";
    bench.send(Side::inside, Segment::syn, 99, 0, {});
    CHECK(bench.decision.stream);
    CHECK(connections(bench) == 4);
    for (const auto& [key, connection] : bench.state.connections.all())
        CHECK(key.phone != *Endpoint::parse("192.168.1.20:40000"));
    bench.phone = "192.168.1.20";
    for (std::uint16_t port = 40004; port < 40100; ++port)
        bench.send(Side::inside, Segment::syn, 99, 0, {}, port);
    CHECK(connections(bench) == 4);
    bench.phone = "192.168.1.10";
    bench.send(Side::outside, Segment::syn | Segment::ack, 999, 100, {});
    bench.send(Side::inside, Segment::ack, 100, 1000, {});
    CHECK(bench.send(Side::inside, Segment::ack, 100, 1000, message) == Texts{as_outside(message)});
}

TEST_CASE("X7 a phone's half-open connections are removed for its next one, established ones are not") {
    Policy policy;
    policy.max_streams_per_phone = 2;
    Bench bench(policy);
    for (std::uint16_t port = 40000; port < 40010; ++port) {
        bench.send(Side::inside, Segment::syn, 99, 0, {}, port);
        CHECK(bench.decision.stream);
    }
    CHECK(connections(bench) == 2);
    bench.open(40020);
    bench.open(40021);
    bench.send(Side::inside, Segment::syn, 99, 0, {}, 40022);
    CHECK(bench.decision.reason == Reason::limit_reached);
}

TEST_CASE("X7 half-open connections count by IPv4 address and IPv6 /64") {
    HalfOpen half_open;
    const auto key = [](const char* phone, const char* peer) {
        return ConnectionKey{*Endpoint::parse(phone), *Endpoint::parse(peer)};
    };
    const ConnectionKey first = key("[2001:db8::1]:5060", "[2001:db8:7::1]:40000");
    const auto add = [&](const ConnectionKey& one) { half_open.add(one, host_of(one.peer.address)); };
    add(key("192.168.1.10:5060", "203.0.113.10:40000"));
    add(first);
    add(key("[2001:db8::1]:5060", "[2001:db8:7::2:1]:40000"));
    CHECK(half_open.oldest_of_largest() == first);
    half_open.remove(first);
    half_open.remove(first);
    CHECK(half_open.size() == 2);
}
