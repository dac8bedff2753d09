// Calls that have ended, and what late messages do to them.
#include "alg/call/closed_calls.hpp"

#include <doctest/doctest.h>

#include <string>

#include "tests/unit/call/long_call.hpp"

namespace sipalg {

namespace {

using call::ClosedCall;
using call::ClosedCalls;

/// A call that has ended with a BYE.
struct PastCall : test::LongCall {
    PastCall() {
        invite("1000");
        say(Side::outside, "SIP/2.0 200 OK", "1000 INVITE", true);
        say(Side::inside, "ACK sip:b@p.test SIP/2.0", "1000 ACK", false);
        say(Side::inside, "BYE sip:b@p.test SIP/2.0", "1001 BYE", false);
        say(Side::outside, "SIP/2.0 200 OK", "1001 BYE", false);
    }
    void invite(const std::string& number) {
        say(Side::inside, "INVITE sip:b@p.test SIP/2.0", number + " INVITE", true);
    }
    std::size_t open() const { return state.calls.all().size(); }
    std::size_t closed() const { return state.calls.closed().size(); }
};

CallKey key(const std::string& id) {
    return {id, Address::v4(0xC0A80114)};
}

ClosedCall ended() {
    return ClosedCall(call::Call{});
}

}  // namespace

TEST_CASE("P5 C6 a call that has ended keeps only what tells late messages from new ones, for 32 s") {
    PastCall call;
    CHECK(call.open() == 0);
    CHECK(call.closed() == 1);
    call.invite("1000");  // a retransmission
    CHECK(call.open() == 0);
    call.say(Side::outside, "SIP/2.0 200 OK", "1000 INVITE", true);
    CHECK(call.decision.changes.empty());
    call.pass(Time{31'000});
    CHECK(call.closed() == 1);
    call.pass(Time{2'000});
    CHECK(call.closed() == 0);
}

TEST_CASE("C1 a later INVITE with the same Call-ID begins a call in place of the one that has ended") {
    PastCall call;
    call.invite("1002");
    CHECK(call.open() == 1);
    CHECK(call.closed() == 0);
    call.pass(Time{33'000});
    CHECK(call.open() == 1);
}

TEST_CASE("X7 the oldest closed call makes room first, and a refused transaction brings all back") {
    ClosedCalls calls;
    calls.add(key("first"), ended(), Time{1000});
    calls.add(key("second"), ended(), Time{2000});
    calls.commit();
    CHECK(calls.drop_oldest());
    calls.add(key("third"), ended(), Time{3000});
    CHECK(calls.size() == 2);
    CHECK_FALSE(calls.find({"first", key("").phone}));
    calls.cancel();
    CHECK(calls.size() == 2);
    CHECK(calls.find({"first", key("").phone}));
    CHECK_FALSE(calls.find({"third", key("").phone}));
    while (calls.drop_oldest())
        ;
    CHECK(calls.size() == 0);
    CHECK_FALSE(calls.next_deadline());
}

}  // namespace sipalg
