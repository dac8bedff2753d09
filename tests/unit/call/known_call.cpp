// P1: a message that changes nothing in its call needs no copy of the call.
#include <doctest/doctest.h>

#include <string>

#include "tests/allocations.hpp"
#include "tests/unit/call/long_call.hpp"

namespace sipalg {

TEST_CASE("P1 an ACK in a known call is rewritten without an allocation") {
    test::LongCall call;
    call.say(Side::inside, "INVITE sip:b@p.test SIP/2.0", "1000 INVITE", true);
    call.say(Side::outside, "SIP/2.0 200 OK", "1000 INVITE", true);
    call.say(Side::inside, "ACK sip:b@p.test SIP/2.0", "1000 ACK", false);

    const std::string text =
        "ACK sip:b@p.test SIP/2.0\r\nVia: SIP/2.0/UDP 192.168.1.20:5060;branch=z9hG4bK1\r\n"
        "From: <sip:a@p.test>;tag=a\r\nTo: <sip:b@p.test>;tag=b\r\nCall-ID: long\r\nCSeq: 1000 ACK\r\n\r\n";
    const auto bytes = test::udp_packet(call.phone, call.provider, text);
    const Arrival arrival = test::answering({Side::inside, bytes, {test::wan, test::wan}});
    const std::size_t before = ::test::allocations;
    inspect(call.state, arrival, call.now, call.decision);
    call.state.commit();
    const std::size_t after = ::test::allocations;
    CHECK(after == before);
    CHECK(call.decision.reason == Reason::rewritten);
    CHECK(call.state.calls.find("long", arrival.phone().address));
}

}  // namespace sipalg
