#include "alg/core/call_detail.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "alg/core/door.hpp"
#include "tests/unit/flow_tracker.hpp"
#include "tests/unit/packets.hpp"

using namespace sipalg;

namespace {

struct Router {
    explicit Router(const Policy& policy = {}) : state(policy) {}

    State state;
    Decision decision;
    Time now{1'000'000};
    bool refuses = false;

    void handle(Side from, const std::string& message) {
        const Address wan = *Address::parse("203.0.113.1");
        const std::string phone = "192.168.1.10:5060", provider = "203.0.113.10:5060";
        const bool outward = from == Side::inside;
        const auto packet = test::udp_packet(outward ? phone : provider, outward ? provider : phone, message);
        inspect(state, test::answering({from, packet, {wan, wan}}), now, decision);
        if (refuses) {
            state.ladders.refuse(Reason::kernel_refused);
            state.cancel();
        } else {
            state.commit();
        }
    }
    static std::string message(const std::string& start, const std::string& method, const std::string& to_tag,
                               const std::string& more, const std::string& host) {
        const std::string body = host.empty() ? ""
                                              : "v=0\r\no=- 1 1 IN IP4 " + host + "\r\ns=-\r\nc=IN IP4 " +
                                                    host + "\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n";
        return start + "\r\nVia: SIP/2.0/UDP 192.168.1.10:5060;branch=z9hG4bK" + method +
               "\r\nFrom: <sip:a@p.test>;tag=t\r\nTo: <sip:b@p.test>" + to_tag +
               "\r\nCall-ID: one\r\nCSeq: 1 " + method + "\r\n" + more +
               (body.empty() ? "" : "Content-Type: application/sdp\r\n") +
               "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
    }
    void offer(const std::string& host = "192.168.1.10") {
        handle(Side::inside, message("INVITE sip:b@p.test SIP/2.0", "INVITE", "",
                                     "Contact: <sip:a@" + host + ">\r\n", host));
    }
    void ring() { handle(Side::outside, message("SIP/2.0 180 Ringing", "INVITE", ";tag=far", "", "")); }
    void answer(const std::string& more = "") {
        handle(Side::outside, message("SIP/2.0 200 OK", "INVITE", ";tag=far",
                                      "Contact: <sip:b@203.0.113.10>\r\n" + more, "203.0.113.10"));
    }
    CallDetail call() const {
        const auto legs = report_call(state, "one", now);
        REQUIRE(legs.size() == 1);
        return legs[0];
    }
};

std::vector<std::string> timers(const CallDetail& call) {
    std::vector<std::string> all;
    for (const TimerReport& timer : call.timers)
        all.push_back(std::to_string(timer.in_s) + " " + std::string(sentence(timer)));
    return all;
}

}  // namespace

TEST_CASE("O1 the ladder of a call has its messages, with the places that were changed") {
    Router router;
    router.offer();
    router.now += Time{1500};
    router.ring();
    router.now += Time{500};
    router.answer();
    const CallDetail call = router.call();
    REQUIRE(call.ladder.size() == 3);
    const LadderStep &invite = call.ladder[0], &answer = call.ladder[2];
    CHECK(invite.method == sip::Method::invite);
    CHECK(invite.status == 0);
    CHECK(invite.from == Side::inside);
    CHECK(invite.reason == Reason::rewritten);
    for (const auto place :
         {rewrite::Place::via_sent_by, rewrite::Place::contact, rewrite::Place::sdp_connection})
        CHECK(invite.has_changed(place));
    CHECK_FALSE(invite.has_changed(rewrite::Place::request_uri));
    CHECK(call.ladder[1].after_ms == 1500);
    CHECK(answer.after_ms == 2000);
    CHECK(answer.status == 200);
    CHECK(answer.from == Side::outside);
    CHECK(call.begun == Time{1'000'000});
    CHECK(report_call(router.state, "other", router.now).empty());
}

TEST_CASE("O1 a message that the kernel refused is in the ladder as such") {
    Router router;
    router.offer();
    router.refuses = true;
    router.answer();
    const CallDetail call = router.call();
    REQUIRE(call.ladder.size() == 2);
    CHECK(call.ladder[1].reason == Reason::kernel_refused);
}

TEST_CASE("O1 C6 a call's timers say what ends it, the earliest first") {
    Router router;
    router.offer();
    router.ring();
    CHECK(timers(router.call()) ==
          std::vector<std::string>{"200 the call ends if the INVITE gets no further response"});
    router.answer("Session-Expires: 1800;refresher=uac\r\n");
    CHECK(timers(router.call()) ==
          std::vector<std::string>{"300 the call ends if no media are seen",
                                   "1832 the dialog ends if its session timer is not refreshed"});
    router.handle(Side::inside, Router::message("BYE sip:b@203.0.113.10 SIP/2.0", "BYE", ";tag=far", "", ""));
    CHECK(timers(router.call()).front() == "32 the dialog ends if the BYE gets no answer");
}

TEST_CASE("S2 a call says why its messages are not changed") {
    const auto why = [](const Policy& policy, const char* host) {
        Router router(policy);
        router.offer(host);
        return router.call().call.why;
    };
    CHECK(why({}, "192.168.1.10") == Unchanged::no);
    CHECK(why({}, "203.0.113.1") == Unchanged::phone_handles_nat);
    Policy policy;
    policy.treatments.mode = Mode::pinhole;
    CHECK(why(policy, "192.168.1.10") == Unchanged::mode_pinhole);
    policy.treatments.mode = Mode::automatic;
    policy.treatments.nat = Nat::no;
    CHECK(why(policy, "192.168.1.10") == Unchanged::routed);

    Router router;
    const nat::PhonePeer ends{*Address::parse("192.168.1.10"), *Address::parse("203.0.113.10")};
    router.state.nat_handling.note(ends, nat::NatHandler::peer, router.now);
    router.offer();
    CHECK(router.call().call.why == Unchanged::peer_handles_nat);
    router.state.nat_handling.forget(ends);
    CHECK(router.call().call.why == Unchanged::as_begun);
    CHECK(sentence(Unchanged::peer_handles_nat) == "the peer handles NAT itself");
}

TEST_CASE("X7 ladders of ended calls do not pile up") {
    Router router;
    for (std::uint32_t call = 1'000'000; call < 1'000'200; ++call)
        router.state.ladders.note(call, {}, router.now);
    router.offer();
    expire(router.state, router.now, router.decision);
    router.state.commit();
    CHECK(router.state.ladders.size() == 1);
    CHECK(router.call().ladder.size() == 1);
}
