// A phone's connection, segment by segment, for unit tests of alg/tcp.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "alg/core/door.hpp"
#include "alg/core/report.hpp"
#include "alg/core/state.hpp"
#include "alg/tcp/segment.hpp"

namespace sipalg::tcp {

inline const std::string message =
    "OPTIONS sip:b@203.0.113.10 SIP/2.0\r\nVia: SIP/2.0/TCP 192.168.1.10:5060;branch=z9hG4bK1\r\n"
    "From: <sip:a@x.test>;tag=1\r\nTo: <sip:b@x.test>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\n"
    "Contact: <sip:a@192.168.1.10:5060;transport=tcp>\r\nContent-Length: 0\r\n\r\n";

inline std::string as_outside(std::string text) {
    const std::string inside = "192.168.1.10", outside = "203.0.113.1";
    for (std::size_t at = 0; (at = text.find(inside, at)) != std::string::npos; at += outside.size())
        text.replace(at, inside.size(), outside);
    return text;
}

/// A phone's connection as segments that a test makes one by one.
struct Bench {
    explicit Bench(Policy policy = {}) : state(std::move(policy)) {}

    /// The payloads that go to the other end, in order.
    std::vector<std::string> send(Side from, std::uint8_t flags, std::uint32_t sequence, std::uint32_t ack,
                                  std::string_view payload, std::uint16_t port = 40000) {
        SegmentFields fields;
        fields.source = {*Address::parse(phone), port};
        fields.destination = *Endpoint::parse("203.0.113.10:5060");
        if (from == Side::outside) std::swap(fields.source, fields.destination);
        fields.sequence = sequence;
        fields.acknowledgement = ack;
        fields.flags = flags;
        fields.window = window;
        fields.payload = payload;
        if (clock > 0) fields.timestamps = {clock, 0};
        packet = make_segment(fields);
        if (scale && (flags & Segment::syn)) {
            packet.insert(packet.end(), {1, 3, 3, *scale});
            packet[32] = 0x60;
            finish_packet(packet, 20);
        }
        if (damaged) packet.back() ^= 1;
        Arrival arrival;
        arrival.from = from;
        arrival.read(packet);
        arrival.egress = {*Address::parse("203.0.113.1"), *Address::parse("203.0.113.1")};
        arrival.answered = true;
        arrival.token = ++token;
        arrival.established = from == Side::outside;
        arrival.checksum_unverified = true;
        inspect(state, arrival, now, decision);
        if (refuse)
            state.cancel();
        else
            state.commit();
        if (!decision.stream)
            return decision.dropped ? std::vector<std::string>{} : std::vector{std::string(payload)};
        conclude(state, !refuse, now, decision);
        return payloads(payload);
    }
    /// The payloads of the last decision; `own` is that of the packet that arrived.
    std::vector<std::string> payloads(std::string_view own) {
        std::vector<std::string> all;
        for (const Output& output : decision.outputs) {
            if (output.kind == Output::Kind::drop) continue;
            if (output.kind == Output::Kind::pass) {
                all.emplace_back(own);
                continue;
            }
            const auto read = parse_packet(output.bytes);
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
            conclude(state, true, now, decision);
            if (!decision.outputs.empty()) return;
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
    std::optional<std::uint8_t> scale;  ///< of the windows of both ends
    bool damaged = false;               ///< what is sent has a wrong checksum
    std::string phone = "192.168.1.10";
};

inline std::size_t count(const std::vector<Output>& outputs, Output::Kind kind) {
    return static_cast<std::size_t>(std::count_if(outputs.begin(), outputs.end(),
                                                  [&](const Output& output) { return output.kind == kind; }));
}

inline std::size_t memory(Bench& bench) {
    std::size_t sum = 0;
    for (const auto& [key, flow] : bench.state.connections.all())
        sum += flow.memory();
    return sum;
}

/// The phone's first bytes are acknowledged locally; the peer has closed its window.
inline void stall(Bench& bench) {
    bench.open();
    bench.send(Side::inside, Segment::ack, 100, 1000, message.substr(0, 60));
    bench.pass(Time{25});
    bench.window = 0;
    bench.send(Side::outside, Segment::ack, 1000, 100, {});
    bench.window = 65535;
}

using Texts = std::vector<std::string>;

}  // namespace sipalg::tcp
