// X14: who speaks first on a connection.
#include <doctest/doctest.h>

#include "alg/tcp/connection.hpp"
#include "tests/unit/tcp/stream_bench.hpp"

using namespace sipalg;
using namespace sipalg::tcp;

namespace {

const auto size = static_cast<std::uint32_t>(message.size());

const std::string invite =
    "INVITE sip:a@192.168.1.10:5060;transport=tcp SIP/2.0\r\nVia: SIP/2.0/TCP "
    "203.0.113.10;branch=z9hG4bK2\r\n"
    "From: <sip:b@x.test>;tag=2\r\nTo: <sip:a@x.test>\r\nCall-ID: 2\r\nCSeq: 1 INVITE\r\n"
    "Contact: <sip:b@203.0.113.10;transport=tcp>\r\nContent-Length: 0\r\n\r\n";

// What the kernel has of `before`, read by a new daemon.
void restart(Bench& before, Bench& after) {
    std::vector<StoredElement> stored;
    for (const Change& change : before.state.elements(before.now))
        stored.push_back({change.element, change.timeout});
    CHECK(after.state
              .restore(
                  stored, [](const Address& address) { return address; }, after.now)
              .empty());
}

}  // namespace

TEST_CASE("X14 on a connection opened from inside, SIP from outside is read only after SIP from inside") {
    Bench bench;
    bench.open();
    CHECK(bench.send(Side::outside, Segment::ack, 1000, 100, invite) == Texts{invite});
    CHECK(bench.decision.reasons == std::vector{Reason::unread_stream});
    CHECK(bench.decision.changes.empty());
    CHECK(totals(bench.state).calls == 0);
    // The beginning of another does not wait for its rest.
    const auto next = static_cast<std::uint32_t>(1000 + invite.size());
    CHECK(bench.send(Side::outside, Segment::ack, next, 100, invite.substr(0, 50)) ==
          Texts{invite.substr(0, 50)});
    CHECK(bench.send(Side::inside, Segment::ack, 100, next + 50, message) == Texts{as_outside(message)});
    const auto out = static_cast<std::uint32_t>(100 + as_outside(message).size());
    CHECK(bench.send(Side::outside, Segment::ack, next + 50, out, invite.substr(50)) ==
          Texts{invite.substr(50)});
    const auto then = static_cast<std::uint32_t>(next + invite.size());
    bench.send(Side::outside, Segment::ack, then, out, invite);
    REQUIRE(bench.decision.reasons.size() == 1);
    CHECK(bench.decision.reasons[0] != Reason::unread_stream);
}

TEST_CASE("X14 malformed SIP from inside does not enable SIP from outside") {
    Bench bench;
    bench.open();
    const std::string bad = "OPTIONS sip:x SIP/2.0\r\nContent-Length: 0\r\n\r\n";
    bench.send(Side::inside, Segment::ack, 100, 1000, bad);
    bench.send(Side::outside, Segment::ack, 1000, static_cast<std::uint32_t>(100 + bad.size()), invite);
    CHECK(bench.decision.reasons == std::vector{Reason::unread_stream});
}

TEST_CASE("X14 a connection opened from outside is read from its first byte") {
    Bench bench;
    bench.send(Side::outside, Segment::syn, 999, 0, {});
    bench.send(Side::inside, Segment::syn | Segment::ack, 99, 1000, {});
    bench.send(Side::outside, Segment::ack, 1000, 100, {});
    bench.send(Side::outside, Segment::ack, 1000, 100, invite);
    REQUIRE(bench.decision.reasons.size() == 1);
    CHECK(bench.decision.reasons[0] != Reason::unread_stream);
}

TEST_CASE("X14 T4 a restart keeps the state that the inside has sent SIP") {
    Bench bench;
    bench.open();
    bench.send(Side::inside, Segment::ack, 100, 1000, message);
    const auto out = static_cast<std::uint32_t>(100 + as_outside(message).size());
    Bench restarted;
    restart(bench, restarted);
    REQUIRE(restarted.state.connections.all().size() == 1);
    const Connection& connection = restarted.state.connections.all().begin()->second;
    CHECK(connection.opener == Side::inside);
    CHECK(connection.from_phone.spoke_sip);
    CHECK_FALSE(connection.from_peer.spoke_sip);
    restarted.send(Side::outside, Segment::ack, 1000, out, invite);
    REQUIRE(restarted.decision.reasons.size() == 1);
    CHECK(restarted.decision.reasons[0] != Reason::unread_stream);
}

TEST_CASE("a connection that the daemon has reset, or that is not read, stays so") {
    for (const Phase next : {Phase::opening, Phase::established, Phase::open, Phase::closed, Phase::reset,
                             Phase::bytes_lost, Phase::refused, Phase::unread}) {
        CHECK_FALSE(is_transition(Phase::refused, next));
        CHECK_FALSE(is_transition(Phase::unread, next));
        CHECK_FALSE(is_transition(next, Phase::opening));
        CHECK(is_transition(next, Phase::established) == (next == Phase::opening));
    }
    CHECK(is_transition(Phase::opening, Phase::open));
    CHECK(is_transition(Phase::reset, Phase::open));
    CHECK_FALSE(is_transition(Phase::closed, Phase::open));
    CHECK_FALSE(is_transition(Phase::bytes_lost, Phase::open));
    CHECK(is_transition(Phase::open, Phase::refused));
}
