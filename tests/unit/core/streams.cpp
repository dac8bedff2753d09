#include "alg/stream/streams.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "alg/state.hpp"
#include "alg/stream/segment.hpp"

using namespace sipalg;
using namespace sipalg::stream;

namespace {

const std::string message =
    "OPTIONS sip:b@203.0.113.10 SIP/2.0\r\nVia: SIP/2.0/TCP 192.168.1.10:5060;branch=z9hG4bK1\r\n"
    "From: <sip:a@x.test>;tag=1\r\nTo: <sip:b@x.test>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\n"
    "Contact: <sip:a@192.168.1.10:5060;transport=tcp>\r\nContent-Length: 0\r\n\r\n";

std::string as_outside(std::string text) {
    const std::string inside = "192.168.1.10", outside = "203.0.113.1";
    for (std::size_t at = 0; (at = text.find(inside, at)) != std::string::npos; at += outside.size())
        text.replace(at, inside.size(), outside);
    return text;
}

/// A phone's connection as segments that a test makes one by one.
struct Bench {
    explicit Bench(Policy policy = {}) : state(std::move(policy)) {}

    /// What goes on towards the other end, in order; tokens that wait are in `waiting`.
    std::vector<std::string> send(Side from, std::uint8_t flags, std::uint32_t sequence, std::uint32_t ack,
                                  std::string_view payload, std::uint16_t port = 40000) {
        Made made;
        made.source = {*Address::parse("192.168.1.10"), port};
        made.destination = *Endpoint::parse("203.0.113.10:5060");
        if (from == Side::outside) std::swap(made.source, made.destination);
        made.sequence = sequence;
        made.acknowledgement = ack;
        made.flags = flags;
        made.window = window;
        made.payload = payload;
        if (clock > 0) made.timestamps = {clock, 0};
        packet = make_segment(made);
        Arrival arrival;
        arrival.from = from;
        arrival.bytes = packet;
        arrival.egress = {*Address::parse("203.0.113.1"), *Address::parse("203.0.113.1")};
        arrival.swept = true;
        arrival.token = ++token;
        inspect(state, arrival, now, decision);
        if (refuse)
            state.cancel();
        else
            state.commit();
        if (!decision.stream) return {std::string(payload)};
        conclude(state, arrival, !refuse, now, decision);
        return payloads(payload);
    }
    std::vector<std::string> payloads(std::string_view own) {
        std::vector<std::string> all;
        for (const Parcel& parcel : decision.parcels) {
            if (parcel.kind == Parcel::Kind::drop) continue;
            if (parcel.kind == Parcel::Kind::pass) {
                all.emplace_back(own);
                continue;
            }
            const auto read = parse_packet(parcel.bytes);
            REQUIRE(read);
            all.emplace_back(read->payload);
        }
        return all;
    }
    void open(std::uint16_t port = 40000) {
        send(Side::inside, Segment::syn, 99, 0, {}, port);
        send(Side::outside, Segment::syn | Segment::ack, 999, 100, {}, port);
        send(Side::inside, Segment::ack, 100, 1000, {}, port);
    }
    void pass(Time time) {
        now += time;
        while (state.next_deadline() && *state.next_deadline() <= now) {
            expire(state, now, decision);
            state.commit();
            conclude(state, {}, true, now, decision);
            if (!decision.parcels.empty()) return;
        }
    }

    State state;
    Decision decision;
    std::vector<std::uint8_t> packet;
    std::uint64_t token = 0;
    Time now{1'000'000};
    bool refuse = false;
    std::uint32_t clock = 0;  ///< the timestamp of what is sent; 0: none
    std::uint16_t window = 65535;
};

std::size_t count(const std::vector<Parcel>& parcels, Parcel::Kind kind) {
    return static_cast<std::size_t>(std::count_if(parcels.begin(), parcels.end(),
                                                  [&](const Parcel& parcel) { return parcel.kind == kind; }));
}

std::size_t memory(Bench& bench) {
    std::size_t sum = 0;
    for (const auto& [key, flow] : bench.state.impl().streams.all())
        sum += flow.memory();
    return sum;
}

/// The phone is told that its bytes have come, and the peer takes none of them: it reads no more.
void stall(Bench& bench) {
    bench.open();
    bench.send(Side::inside, Segment::ack, 100, 1000, message.substr(0, 60));
    bench.pass(Time{25});
    bench.window = 0;
    bench.send(Side::outside, Segment::ack, 1000, 100, {});
    bench.window = 65535;
}

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("T1: a message waits until it is whole, and each of its segments is written") {
    Bench bench;
    bench.open();
    CHECK(bench.send(Side::inside, Segment::ack, 100, 1000, message.substr(0, 60)).empty());
    const Texts out = bench.send(Side::inside, Segment::ack, 160, 1000, message.substr(60));
    REQUIRE(out.size() == 2);
    CHECK(out[0] + out[1] == as_outside(message));
}

TEST_CASE("T2: what waited is no older than what has passed it meanwhile") {
    Bench bench;
    bench.clock = 10;
    bench.open();
    CHECK(bench.send(Side::inside, Segment::ack, 100, 1000, message.substr(0, 60)).empty());
    bench.clock = 14;
    CHECK(bench.send(Side::inside, Segment::ack, 160, 1000, {}).size() == 1);
    bench.clock = 12;  // it was overtaken
    CHECK(bench.send(Side::inside, Segment::ack, 160, 1000, message.substr(60)).size() == 2);
    for (const Parcel& parcel : bench.decision.parcels) {
        const auto segment = parse_segment(parcel.bytes, *parse_packet(parcel.bytes));
        REQUIRE(segment->timestamps);
        CHECK(segment->timestamps->first == 14);
    }
}

TEST_CASE(
    "T2 X4: who pretends to begin a connection anew, or to answer, does not disturb the one that lives") {
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
            REQUIRE(bench.decision.parcels.size() == 1);
            const auto segment = parse_segment(bench.decision.parcels[0].bytes,
                                               *parse_packet(bench.decision.parcels[0].bytes));
            CHECK(segment->sequence == 100 + as_outside(message).size());
        }
    }
}

TEST_CASE("T2: a connection that is begun anew between the same ends takes the place of the former one") {
    Bench bench;
    bench.open();
    bench.send(Side::inside, Segment::ack, 100, 1000, message);
    bench.send(Side::inside, Segment::syn, 5099, 0, {});
    bench.send(Side::outside, Segment::syn | Segment::ack, 8999, 5100, {});
    bench.send(Side::inside, Segment::ack, 5100, 9000, {});
    CHECK(bench.send(Side::inside, Segment::ack, 5100, 9000, message) == Texts{as_outside(message)});
    const auto segment =
        parse_segment(bench.decision.parcels[0].bytes, *parse_packet(bench.decision.parcels[0].bytes));
    CHECK(segment->sequence == 5100);
    CHECK(bench.state.impl().streams.all().size() == 1);
}

TEST_CASE(
    "T2: a reset ends a connection if its number is the one that is expected, and keeps its number if not") {
    Bench bench;
    bench.open();
    bench.send(Side::inside, Segment::ack, 100, 1000, message);
    const auto after = static_cast<std::uint32_t>(100 + message.size());
    const auto shorter = static_cast<std::uint32_t>(message.size() - as_outside(message).size());
    const auto number = [&] {
        REQUIRE(bench.decision.parcels.size() == 1);
        const Parcel& parcel = bench.decision.parcels[0];
        const auto segment = parse_segment(parcel.bytes, *parse_packet(parcel.bytes));
        CHECK(segment->has(Segment::rst));
        return segment->sequence;
    };
    bench.send(Side::inside, Segment::rst | Segment::ack, after + 700, 1000, {});
    CHECK(number() == after + 700 - shorter);
    bench.pass(Time{60'000});
    CHECK(bench.state.impl().streams.all().size() == 1);
    bench.send(Side::inside, Segment::rst | Segment::ack, after, 1000, {});
    CHECK(number() == after - shorter);
    bench.pass(Time{10'000});
    CHECK(bench.state.impl().streams.all().empty());
}

TEST_CASE("T4: a connection that was there before is not read") {
    Bench bench;
    CHECK(bench.send(Side::inside, Segment::ack, 100, 1000, message) == Texts{message});
    CHECK(bench.decision.reason == Reason::unread_stream);
    CHECK(bench.decision.changes.empty());
}

TEST_CASE("T4 X5: a connection that did not begin with SIP never is SIP") {
    Bench bench;
    bench.open();
    const std::string post = "POST / HTTP/1.1\r\nHost: x\r\n\r\n";
    CHECK(bench.send(Side::inside, Segment::ack, 100, 1000, post) == Texts{post});
    CHECK(bench.send(Side::inside, Segment::ack, 100 + static_cast<std::uint32_t>(post.size()), 1000,
                     message) == Texts{message});
    CHECK(bench.decision.reason == Reason::unread_stream);
    CHECK(bench.state.totals().calls == 0);
}

TEST_CASE("law 1: what the kernel refuses passes as it came, and the connection goes on") {
    Bench bench;
    bench.open();
    bench.refuse = true;
    CHECK(bench.send(Side::inside, Segment::ack, 100, 1000, message) == Texts{message});
    bench.refuse = false;
    const auto next = static_cast<std::uint32_t>(100 + message.size());
    CHECK(bench.send(Side::inside, Segment::ack, next, 1000, message) == Texts{as_outside(message)});
}

TEST_CASE("T1: a message whose rest does not come passes as it is") {
    Bench bench;
    bench.open();
    CHECK(bench.send(Side::inside, Segment::ack, 100, 1000, message.substr(0, 60)).empty());
    Texts out;
    for (int i = 0; i < 1000 && out.empty(); ++i) {
        bench.pass(Time{50});
        for (const Parcel& parcel : bench.decision.parcels)
            if (parcel.kind == Parcel::Kind::pass) out.push_back("the segment");
    }
    CHECK(out == Texts{"the segment"});
    CHECK(bench.now - Time{1'000'000} >= Time{10'000});
}

TEST_CASE("T1: who may not send more is told that his bytes have come, and they are sent again for him") {
    Bench bench;
    bench.open();
    bench.send(Side::inside, Segment::ack, 100, 1000, message.substr(0, 60));
    bench.pass(Time{25});
    REQUIRE(bench.decision.parcels.size() == 1);
    const Parcel& told = bench.decision.parcels.front();
    CHECK(told.kind == Parcel::Kind::inject);
    CHECK(told.from == Side::outside);
    CHECK(parse_segment(told.bytes, *parse_packet(told.bytes))->acknowledgement == 160);
    bench.send(Side::inside, Segment::ack, 160, 1000, message.substr(60));
    bench.pass(Time{300});
    REQUIRE(bench.decision.parcels.size() == 1);
    CHECK(bench.payloads({}) == Texts{as_outside(message).substr(0, 60)});  // the part that he was told of
}

TEST_CASE("T4: a clean stop resets connections whose bytes have moved, and no other") {
    Bench bench;
    bench.open(40000);
    bench.open(40001);
    bench.send(Side::inside, Segment::ack, 100, 1000, message, 40000);
    end_streams(bench.state, bench.now, bench.decision);
    CHECK(bench.decision.parcels.size() == 3);  // to the peer for what was sent and for what has arrived
    for (const Parcel& parcel : bench.decision.parcels) {
        const auto segment = parse_segment(parcel.bytes, *parse_packet(parcel.bytes));
        CHECK(segment->has(Segment::rst));
    }
    CHECK(bench.send(Side::inside, Segment::ack, 100, 1000, "\r\n\r\n", 40001) == Texts{"\r\n\r\n"});
}

TEST_CASE("O7 N2: what is only read is read in order, and not a segment of it waits") {
    Policy policy;
    policy.edits = false;
    Bench bench(policy);
    bench.open();
    CHECK(bench.send(Side::inside, Segment::ack, 160, 1000, message.substr(60)) == Texts{message.substr(60)});
    CHECK(bench.decision.reasons.empty());
    CHECK(bench.send(Side::inside, Segment::ack, 100, 1000, message.substr(0, 60)) ==
          Texts{message.substr(0, 60)});
    CHECK(bench.decision.reasons == std::vector{Reason::rewritten});  // as it would be
    CHECK(bench.state.flows(bench.now).at(0).held == 0);
}

TEST_CASE("X7: connections are bounded, in all and for each phone; those beyond pass unread") {
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

TEST_CASE("X7: without memory to wait in, an incomplete message passes as it is") {
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

TEST_CASE("law 2: what waits in a connection is let go when another one takes its place") {
    Policy policy;
    SUBCASE("that is read") {}
    SUBCASE("that is refused") {
        policy.max_streams = 1;
    }
    Bench bench(policy);
    bench.open();
    bench.send(Side::inside, Segment::ack, 100, 1000, message.substr(0, 60));
    const std::uint64_t waits = bench.token;
    bench.send(Side::inside, Segment::syn, 5000, 0, {});
    CHECK(bench.decision.parcels.size() == 1);  // the other end is asked first whether it is one
    bench.send(Side::outside, Segment::syn | Segment::ack, 7000, 5001, {});
    REQUIRE(bench.decision.parcels.size() == 2);
    CHECK(bench.decision.parcels[0].token == waits);
    CHECK(bench.decision.parcels[0].kind == Parcel::Kind::drop);
    CHECK(bench.decision.parcels[1].token == bench.token);
    CHECK(bench.decision.parcels[1].kind != Parcel::Kind::drop);
}

TEST_CASE("T1: a receiver who has no room is asked for it, as nobody else does, for as long as he answers") {
    Bench bench;
    stall(bench);
    bench.send(Side::inside, Segment::ack, 160, 1000, message.substr(60));
    bool answers = true;
    SUBCASE("he does") {}
    SUBCASE("he does not") {
        answers = false;
    }
    std::size_t asked = 0, resets = 0;
    for (int i = 0; i < 5000 && resets == 0; ++i) {
        bench.pass(Time{100});
        bool probed = false;
        for (const Parcel& parcel : bench.decision.parcels) {
            if (parcel.kind != Parcel::Kind::inject) continue;
            const auto segment = parse_segment(parcel.bytes, *parse_packet(parcel.bytes));
            if (segment->has(Segment::rst)) ++resets;
            if (parcel.from != Side::inside || segment->has(Segment::rst)) continue;
            CHECK(segment->sequence == 99);
            CHECK(segment->payload.empty());
            probed = true;
        }
        bench.decision.parcels.clear();
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

TEST_CASE("T1: what is lost once a receiver has room again comes soon, however long he had none") {
    Bench bench;
    stall(bench);
    bench.send(Side::inside, Segment::ack, 160, 1000, message.substr(60));
    for (int i = 0; i < 400; ++i) {
        bench.pass(Time{100});
        if (std::exchange(bench.decision.parcels, {}).empty()) continue;
        bench.window = 0;
        bench.send(Side::outside, Segment::ack, 1000, 100, {});
        bench.window = 65535;
    }
    CHECK(bench.send(Side::outside, Segment::ack, 1000, 100, {}).size() >= 2);
    bench.decision.parcels.clear();
    bench.pass(Time{300});
    CHECK(bench.payloads({}) == Texts{as_outside(message).substr(0, 60)});
}

TEST_CASE("X7: what is sent to somebody who takes nothing is not kept beyond the bound") {
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
    CHECK(count(bench.decision.parcels, Parcel::Kind::drop) == 1);
}

TEST_CASE("X7: to find the ends of messages, no more is kept than twice the bound") {
    Policy policy;
    policy.max_stream_memory = 2'000;
    SUBCASE("that are changed") {}
    SUBCASE("that are only read") {
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

TEST_CASE("X7: segments that are only read are not kept beyond the bound") {
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

TEST_CASE("X7: messages that the receiver does not acknowledge are changed up to a bound") {
    Bench bench;
    bench.open();
    std::uint32_t next = 100;
    for (int i = 0; i < 3000; ++i) {
        bench.send(Side::inside, Segment::ack, next, 1000, message);
        next += static_cast<std::uint32_t>(message.size());
    }
    CHECK(bench.decision.reasons == std::vector{Reason::limit_reached});
    const auto& flow = bench.state.impl().streams.all().begin()->second;
    CHECK(flow.from_phone.edit_count() < Half::max_edits + 10);
    // Once some have arrived it goes on.
    const Position out = flow.from_phone.shift().out(flow.from_phone.sent());
    bench.send(Side::outside, Segment::ack, 1000, sequence(out, 99), {});
    bench.send(Side::inside, Segment::ack, next, 1000, message);
    CHECK(bench.decision.reasons == std::vector{Reason::rewritten});
}

TEST_CASE("X7: no end can have its bytes cut into segments of one byte") {
    Bench bench;
    Made syn;
    syn.source = *Endpoint::parse("203.0.113.10:5060");
    syn.destination = *Endpoint::parse("192.168.1.10:40000");
    syn.sequence = 999;
    syn.acknowledgement = 100;
    syn.flags = Segment::syn | Segment::ack;
    bench.send(Side::inside, Segment::syn, 99, 0, {});
    std::vector<std::uint8_t> packet = make_segment(syn);
    packet.insert(packet.end(), {2, 4, 0, 1});
    packet[3] = static_cast<std::uint8_t>(packet.size());
    packet[32] = 0x60;
    Arrival arrival;
    arrival.from = Side::outside;
    arrival.bytes = packet;
    arrival.egress = {*Address::parse("203.0.113.1"), *Address::parse("203.0.113.1")};
    inspect(bench.state, arrival, bench.now, bench.decision);
    bench.state.commit();
    conclude(bench.state, arrival, true, bench.now, bench.decision);
    CHECK(bench.state.impl().streams.all().begin()->second.from_peer.mss == 88);
}

TEST_CASE("law 2 T2: another answer to the SYN, once bytes have come, changes nothing") {
    Bench bench;
    bench.open();
    bench.send(Side::outside, Segment::ack, 1000, 100, message.substr(0, 60));
    const std::uint64_t waits = bench.token;
    bench.send(Side::outside, Segment::syn | Segment::ack, 77777, 100, {});
    bench.send(Side::outside, Segment::ack, 1060, 100, message.substr(60));
    CHECK(std::any_of(bench.decision.parcels.begin(), bench.decision.parcels.end(),
                      [&](const Parcel& parcel) { return parcel.token == waits; }));
    CHECK(bench.decision.reasons.size() == 1);
}
