#include "alg/daemon/run/event_reasons.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "alg/core/door.hpp"
#include "tests/unit/packets.hpp"

using namespace sipalg;
using namespace sipalg::daemon;

namespace {

const Address phone = *Address::parse("192.168.1.10"), provider = *Address::parse("203.0.113.10");

/// The detail of the event after the phone has called.
std::string detail(State& state, const Event& event) {
    const Address wan = *Address::parse("203.0.113.1");
    const auto packet = test::udp_packet(
        "192.168.1.10:5060", "203.0.113.10:5060",
        "INVITE sip:b@p.test SIP/2.0\r\nVia: SIP/2.0/UDP 192.168.1.10:5060;branch=z9hG4bK1\r\n"
        "From: <sip:a@p.test>;tag=t\r\nTo: <sip:b@p.test>\r\nCall-ID: one\r\nCSeq: 1 INVITE\r\n"
        "Contact: <sip:a@192.168.1.10>\r\nContent-Length: 0\r\n\r\n");
    Decision decision;
    inspect(state, {Side::inside, packet, {wan, wan}}, Time{1'000'000}, decision);
    state.commit();
    std::vector<Event> events{event};
    add_reasons(state, events);
    return events[0].detail;
}

}  // namespace

TEST_CASE("O4 S2 the log says why the messages of a call or registration are not changed") {
    const Event offered{Event::Kind::call_offered, "one", "calls", phone, provider};
    const Event registered{Event::Kind::registered, "sip:a@p.test", "known", phone, provider};
    const Event ended{Event::Kind::call_ended, "one", "BYE", phone, provider};
    State plain{Policy{}};
    CHECK(detail(plain, offered) == "calls");
    CHECK(detail(plain, registered) == "known");

    State handled{Policy{}};
    handled.nat_handling.note({phone, provider}, nat::NatHandler::peer, Time{1'000'000});
    CHECK(detail(handled, offered) == "calls; messages are not changed: the peer handles NAT itself");
    CHECK(detail(handled, registered) == "known; messages are not changed: the peer handles NAT itself");
    CHECK(detail(handled, ended) == "BYE");

    Policy policy;
    policy.treatments.mode = Mode::pinhole;
    State pinholes{policy};
    CHECK(detail(pinholes, offered) == "calls; messages are not changed: mode pinhole");
    CHECK(detail(pinholes, registered) == "known; messages are not changed: mode pinhole");
}

TEST_CASE("O4 S2 the log says when the phone handles NAT itself") {
    State state{Policy{}};
    state.nat_handling.note({phone, provider}, nat::NatHandler::phone, Time{1'000'000});
    std::vector<Event> events{{Event::Kind::registered, "sip:a@p.test", "known", phone, provider}};
    add_reasons(state, events);
    CHECK(events[0].detail == "known; messages need no change: the phone handles NAT itself");
}
