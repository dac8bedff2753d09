// How connections begin and end, and which segments count.
#include <doctest/doctest.h>

#include "tests/unit/tcp/stream_bench.hpp"

using namespace sipalg;
using namespace sipalg::tcp;

TEST_CASE("T2 a queued segment gets the newest timestamp when it is sent") {
    Bench bench;
    bench.clock = 10;
    bench.open();
    CHECK(bench.send(Side::inside, Segment::ack, 100, 1000, message.substr(0, 60)).empty());
    bench.clock = 14;
    CHECK(bench.send(Side::inside, Segment::ack, 160, 1000, {}).size() == 1);
    bench.clock = 12;  // it was overtaken
    CHECK(bench.send(Side::inside, Segment::ack, 160, 1000, message.substr(60)).size() == 2);
    for (const Output& output : bench.decision.outputs) {
        const auto segment = parse_segment(output.bytes, *parse_packet(output.bytes));
        REQUIRE(segment->timestamps);
        CHECK(segment->timestamps->first == 14);
    }
}

TEST_CASE("T2 X4 a forged SYN or SYN-ACK does not disturb a live connection") {
    for (const Side side : {Side::inside, Side::outside}) {
        for (const auto& [flags, ack] : {std::pair<std::uint8_t, std::uint32_t>{Segment::syn, 0},
                                         {Segment::syn | Segment::ack, 100},
                                         {Segment::syn | Segment::ack, 5'000'000}}) {
            Bench bench;
            bench.open();
            bench.send(Side::inside, Segment::ack, 100, 1000, message);
            bench.send(side, flags, 77'000'000, ack, {});
            const auto next = static_cast<std::uint32_t>(100 + message.size());
            CHECK(bench.send(Side::inside, Segment::ack, next, 1000, message) == Texts{as_outside(message)});
            REQUIRE(bench.decision.outputs.size() == 1);
            const auto segment = parse_segment(bench.decision.outputs[0].bytes,
                                               *parse_packet(bench.decision.outputs[0].bytes));
            CHECK(segment->sequence == 100 + as_outside(message).size());
        }
    }
}

TEST_CASE("T2 a new connection between the same ends replaces the old one") {
    Bench bench;
    bench.open();
    bench.send(Side::inside, Segment::ack, 100, 1000, message);
    bench.send(Side::inside, Segment::syn, 5099, 0, {});
    bench.send(Side::outside, Segment::syn | Segment::ack, 8999, 5100, {});
    bench.send(Side::inside, Segment::ack, 5100, 9000, {});
    CHECK(bench.send(Side::inside, Segment::ack, 5100, 9000, message) == Texts{as_outside(message)});
    const auto segment =
        parse_segment(bench.decision.outputs[0].bytes, *parse_packet(bench.decision.outputs[0].bytes));
    CHECK(segment->sequence == 5100);
    CHECK(bench.state.connections.all().size() == 1);
}

TEST_CASE("T2 a RST ends a connection only with the expected number, and is forwarded with any other") {
    Bench bench;
    bench.open();
    bench.send(Side::inside, Segment::ack, 100, 1000, message);
    const auto after = static_cast<std::uint32_t>(100 + message.size());
    const auto shorter = static_cast<std::uint32_t>(message.size() - as_outside(message).size());
    const auto number = [&] {
        REQUIRE(bench.decision.outputs.size() == 1);
        const Output& output = bench.decision.outputs[0];
        const auto segment = parse_segment(output.bytes, *parse_packet(output.bytes));
        CHECK(segment->has(Segment::rst));
        return segment->sequence;
    };
    bench.send(Side::inside, Segment::rst | Segment::ack, after + 700, 1000, {});
    CHECK(number() == after + 700 - shorter);
    bench.pass(Time{60'000});
    CHECK(bench.state.connections.all().size() == 1);
    bench.send(Side::inside, Segment::rst | Segment::ack, after, 1000, {});
    CHECK(number() == after - shorter);
    bench.pass(Time{10'000});
    CHECK(bench.state.connections.all().empty());
}

TEST_CASE("T4 a connection whose SYN was not seen is not read") {
    Bench bench;
    CHECK(bench.send(Side::inside, Segment::ack, 100, 1000, message) == Texts{message});
    CHECK(bench.decision.reason == Reason::unread_stream);
    CHECK(bench.decision.changes.empty());
}

TEST_CASE("T4 X5 a connection that does not begin with SIP is never read") {
    Bench bench;
    bench.open();
    const std::string post = "POST / HTTP/1.1\r\nHost: x\r\n\r\n";
    CHECK(bench.send(Side::inside, Segment::ack, 100, 1000, post) == Texts{post});
    CHECK(bench.send(Side::inside, Segment::ack, 100 + static_cast<std::uint32_t>(post.size()), 1000,
                     message) == Texts{message});
    CHECK(bench.decision.reason == Reason::unread_stream);
    CHECK(totals(bench.state).calls == 0);
}

TEST_CASE("law 1 after a refusal the message is sent unmodified, and the connection continues") {
    Bench bench;
    bench.open();
    bench.refuse = true;
    CHECK(bench.send(Side::inside, Segment::ack, 100, 1000, message) == Texts{message});
    bench.refuse = false;
    const auto next = static_cast<std::uint32_t>(100 + message.size());
    CHECK(bench.send(Side::inside, Segment::ack, next, 1000, message) == Texts{as_outside(message)});
}

TEST_CASE("O7 N2 a connection that is only read is read in order, and no segment waits") {
    Policy policy;
    policy.edits = false;
    Bench bench(policy);
    bench.open();
    CHECK(bench.send(Side::inside, Segment::ack, 160, 1000, message.substr(60)) == Texts{message.substr(60)});
    CHECK(bench.decision.reasons.empty());
    CHECK(bench.send(Side::inside, Segment::ack, 100, 1000, message.substr(0, 60)) ==
          Texts{message.substr(0, 60)});
    CHECK(bench.decision.reasons == std::vector{Reason::rewritten});  // as it would be
    CHECK(report_flows(bench.state, bench.now).at(0).held == 0);
}

TEST_CASE("X7 connections have limits, in total and for each phone; further ones pass unread") {
    Policy policy;
    policy.max_streams = 10;
    policy.max_streams_per_phone = 2;
    Bench bench(policy);
    bench.open(40000);
    bench.open(40001);
    bench.send(Side::inside, Segment::syn, 99, 0, {}, 40002);
    CHECK(bench.decision.reason == Reason::limit_reached);
    CHECK(bench.send(Side::inside, Segment::ack, 100, 1000, message, 40002) == Texts{message});
    CHECK(bench.send(Side::inside, Segment::ack, 100, 1000, message, 40001) == Texts{as_outside(message)});
}

TEST_CASE("law 2 queued packets get verdicts when another connection replaces theirs") {
    Policy policy;
    SUBCASE("which is read") {}
    SUBCASE("while no other is allowed") {
        policy.max_streams = 1;
    }
    Bench bench(policy);
    bench.open();
    bench.send(Side::inside, Segment::ack, 100, 1000, message.substr(0, 60));
    const std::uint64_t waits = bench.token;
    bench.send(Side::inside, Segment::syn, 5000, 0, {});
    CHECK(bench.decision.outputs.size() == 1);  // the other end is asked first whether it is one
    bench.send(Side::outside, Segment::syn | Segment::ack, 7000, 5001, {});
    REQUIRE(bench.decision.outputs.size() == 2);
    CHECK(bench.decision.outputs[0].token == waits);
    CHECK(bench.decision.outputs[0].kind == Output::Kind::drop);
    CHECK(bench.decision.outputs[1].token == bench.token);
    CHECK(bench.decision.outputs[1].kind != Output::Kind::drop);
}

TEST_CASE("X7 edits that the receiver has not acknowledged have a limit") {
    Bench bench;
    bench.scale = 14;
    bench.open();
    bench.send(Side::outside, Segment::ack, 1000, 100, {});
    std::uint32_t next = 100;
    for (int i = 0; i < 3000; ++i) {
        bench.send(Side::inside, Segment::ack, next, 1000, message);
        next += static_cast<std::uint32_t>(message.size());
    }
    CHECK(bench.decision.reasons == std::vector{Reason::limit_reached});
    const auto& flow = bench.state.connections.all().begin()->second;
    CHECK(flow.from_phone.edit_count() < Direction::max_edits + 10);
    // Once some have arrived it goes on.
    const Position out = flow.from_phone.map().out(flow.from_phone.sent());
    bench.send(Side::outside, Segment::ack, 1000, sequence(out, 99), {});
    bench.send(Side::inside, Segment::ack, next, 1000, message);
    CHECK(bench.decision.reasons == std::vector{Reason::rewritten});
}

TEST_CASE("X7 an MSS below 88 counts as 88") {
    Bench bench;
    SegmentFields syn;
    syn.source = *Endpoint::parse("203.0.113.10:5060");
    syn.destination = *Endpoint::parse("192.168.1.10:40000");
    syn.sequence = 999;
    syn.acknowledgement = 100;
    syn.flags = Segment::syn | Segment::ack;
    bench.send(Side::inside, Segment::syn, 99, 0, {});
    std::vector<std::uint8_t> packet = make_segment(syn);
    packet.insert(packet.end(), {2, 4, 0, 1});
    packet[32] = 0x60;
    finish_packet(packet, 20);
    Arrival arrival;
    arrival.from = Side::outside;
    arrival.read(packet);
    arrival.egress = {*Address::parse("203.0.113.1"), *Address::parse("203.0.113.1")};
    inspect(bench.state, arrival, bench.now, bench.decision);
    bench.state.commit();
    conclude(bench.state, true, bench.now, bench.decision);
    CHECK(bench.state.connections.all().begin()->second.from_peer.mss == 88);
}

TEST_CASE("law 2 T2 a second SYN-ACK after data changes nothing") {
    Bench bench;
    bench.open();
    const auto next = static_cast<std::uint32_t>(100 + as_outside(message).size());
    bench.send(Side::inside, Segment::ack, 100, 1000, message);
    bench.send(Side::outside, Segment::ack, 1000, next, message.substr(0, 60));
    const std::uint64_t waits = bench.token;
    bench.send(Side::outside, Segment::syn | Segment::ack, 77777, 100, {});
    bench.send(Side::outside, Segment::ack, 1060, next, message.substr(60));
    CHECK(std::any_of(bench.decision.outputs.begin(), bench.decision.outputs.end(),
                      [&](const Output& output) { return output.token == waits; }));
    CHECK(bench.decision.reasons.size() == 1);
}
