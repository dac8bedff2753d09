// The deadlines of a call.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "alg/core/report.hpp"
#include "alg/policy/timing.hpp"
#include "tests/cases/invariants.hpp"
#include "tests/unit/call/long_call.hpp"

namespace sipalg {

using test::LongCall;

TEST_CASE("P5 X7 a call with an UPDATE each minute for a day has no deadlines except its renewals") {
    LongCall call;
    call.say(Side::inside, "INVITE sip:b@p.test SIP/2.0", "1000 INVITE", true);
    call.say(Side::outside, "SIP/2.0 200 OK", "1000 INVITE", true);
    call.say(Side::inside, "ACK sip:b@p.test SIP/2.0", "1000 ACK", false);
    constexpr int minutes = 24 * 60;
    for (int i = 1; i <= minutes; ++i) {
        const std::string cseq = std::to_string(1000 + i) + " UPDATE";
        call.say(Side::inside, "UPDATE sip:b@p.test SIP/2.0", cseq, true);
        call.say(Side::outside, "SIP/2.0 200 OK", cseq, true);
        call.pass(Time{60'000});
        REQUIRE(totals(call.state).calls == 1);
        test::check_invariants(call.state, call.kernel, call.now);
    }
    // One in each half of confirmed_time, and some for the list of flows.
    constexpr int renewals = static_cast<int>(Time{minutes * 60'000} / (confirmed_time / 2));
    CHECK(call.expired <= renewals + 20);
}

TEST_CASE("O9 an ended call says when it was answered, why it ended, and which media conntrack has counted") {
    LongCall call;
    const Time begun = call.now;
    call.say(Side::inside, "INVITE sip:b@p.test SIP/2.0", "1000 INVITE", true);
    call.pass(Time{4'000});
    call.say(Side::outside, "SIP/2.0 200 OK", "1000 INVITE", true);
    REQUIRE(call.state.calls.all().size() == 1);
    call.state.scan.begin(call.now);
    for (const auto& [key, one] : call.state.calls.all())
        for (const nat::MappingKey& mapping : one.mappings)
            if (mapping.inside.endpoint.port == 20000) call.state.calls.audio().note(mapping, {900, 0});
    static_cast<void>(call.state.scan.end());
    call.pass(Time{8'000});
    call.say(Side::inside, "BYE sip:b@p.test SIP/2.0", "1001 BYE", false);
    call.say(Side::outside, "SIP/2.0 200 OK", "1001 BYE", false);
    REQUIRE(call.decision.events.size() == 1);
    REQUIRE(call.decision.events[0].ended);
    const EndedCall& ended = *call.decision.events[0].ended;
    CHECK(ended.call_id == "long");
    CHECK(ended.phone.text() == "192.168.1.20");
    CHECK(ended.peer.text() == "203.0.113.10");
    CHECK(ended.from == "sip:a@p.test");
    CHECK(ended.outgoing);
    CHECK(ended.started == begun);
    CHECK(ended.answered == begun + Time{4'000});
    CHECK(ended.ended == begun + Time{12'000});
    CHECK(ended.why == EndReason::bye);
    CHECK(ended.media == std::vector<EndedMedia>{{"audio", EndedMedia::Known::packets, 900, 0}});
}

TEST_CASE("C6 silence closes a call only when a scan of the whole table has found no media either") {
    LongCall call;
    call.say(Side::inside, "INVITE sip:b@p.test SIP/2.0", "1000 INVITE", true);
    call.say(Side::outside, "SIP/2.0 200 OK", "1000 INVITE", true);
    call.say(Side::inside, "ACK sip:b@p.test SIP/2.0", "1000 ACK", false);
    auto& scan = call.state.scan;
    const auto look = [&](Extent extent, bool media) {
        scan.begin(call.now, extent);
        const Endpoint phone{*Address::parse("192.168.1.20"), 20000},
            peer{*Address::parse("203.0.113.10"), 20000};
        if (media)
            static_cast<void>(scan.entry({Transport::udp,
                                          phone,
                                          peer,
                                          peer,
                                          {test::wan, 20000},
                                          Seconds{0},
                                          true,
                                          false,
                                          false,
                                          false,
                                          0,
                                          0},
                                         call.now));
        static_cast<void>(scan.end());
    };
    look(Extent::whole, true);
    call.pass(Time{60'000});
    look(Extent::own, false);
    CHECK(scan.extent(call.now) == Extent::own);
    call.pass(Time{245'000});
    CHECK(totals(call.state).calls == 1);
    CHECK(scan.wanted(call.now));
    CHECK(scan.extent(call.now) == Extent::whole);
    SUBCASE(
        "the whole table has media, which the others have missed: the call stays for another five minutes") {
        look(Extent::whole, true);
        call.pass(Time{200'000});
        CHECK(totals(call.state).calls == 1);
        CHECK(scan.extent(call.now) == Extent::own);
    }
    SUBCASE("the whole table has none either") {
        look(Extent::whole, false);
        call.pass(Time{2'000});
        CHECK(totals(call.state).calls == 0);
    }
    SUBCASE("the table cannot be read") {
        scan.begin(call.now, Extent::whole);
        scan.abandon();
        call.pass(Time{2'000});
        CHECK(totals(call.state).calls == 0);
    }
}

TEST_CASE("C3 C6 O4 if a fork times out after an answered BYE, the call ended by that BYE") {
    LongCall call;
    call.say(Side::inside, "INVITE sip:b@p.test SIP/2.0", "1000 INVITE", true);
    call.say(Side::outside, "SIP/2.0 183 Progress", "1000 INVITE", true, "fork");
    call.say(Side::outside, "SIP/2.0 200 OK", "1000 INVITE", true);
    call.say(Side::inside, "ACK sip:b@p.test SIP/2.0", "1000 ACK", false);
    call.say(Side::inside, "BYE sip:b@p.test SIP/2.0", "1001 BYE", false);
    call.say(Side::outside, "SIP/2.0 200 OK", "1001 BYE", false);
    CHECK(totals(call.state).calls == 1);
    call.pass(Time{33'000});
    CHECK(totals(call.state).calls == 0);
    CHECK(call.events == std::vector<std::string>{"BYE"});
}

TEST_CASE("C6 O4 a BYE that is not answered ends the call after 32 s, and the log says so") {
    LongCall call;
    call.say(Side::inside, "INVITE sip:b@p.test SIP/2.0", "1000 INVITE", true);
    call.say(Side::outside, "SIP/2.0 200 OK", "1000 INVITE", true);
    call.say(Side::inside, "BYE sip:b@p.test SIP/2.0", "1001 BYE", false);
    call.pass(Time{31'000});
    CHECK(totals(call.state).calls == 1);
    call.pass(Time{2000});
    CHECK(call.events == std::vector<std::string>{"no answer to BYE"});
}

}  // namespace sipalg
