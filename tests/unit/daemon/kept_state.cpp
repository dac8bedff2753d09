#include "alg/daemon/run/kept_state.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "tests/unit/flow_tracker.hpp"
#include "tests/unit/packets.hpp"

using namespace sipalg;
using namespace sipalg::daemon;

namespace {

struct WillingKernel : Kernel {
    void erase(std::span<const ConntrackTuple>) override {}
    Result<> apply(std::span<const Change>) override { return {}; }
    std::optional<std::uint16_t> inside_port(const PortQuestion&) override { return std::nullopt; }
};

struct Router {
    State state{Policy{}};
    WillingKernel kernel;
    Engine engine{state, kernel};
    Time now{1'000'000};

    void handle(Side from, const std::string& source, const std::string& destination,
                const std::string& message) {
        const Address wan = *Address::parse("203.0.113.1");
        const auto packet = test::udp_packet(source, destination, message);
        engine.handle(test::answering({from, packet, {wan, wan}}), now, 65531);
    }
    /// A call of the Call-ID "one" from the phone; the tag and the media ports tell its leg.
    void call(const std::string& tag, const std::string& port) {
        const std::string phone = "192.168.1.10:5060", provider = "203.0.113.10:5060";
        const auto head = [&](const std::string& start, const std::string& to_tag,
                              const std::string& method) {
            return start + "\r\nVia: SIP/2.0/UDP 192.168.1.10:5060;branch=z9hG4bK" + tag + method +
                   "\r\nFrom: <sip:a@p.test>;tag=" + tag + "\r\nTo: <sip:b@p.test>" + to_tag +
                   "\r\nCall-ID: one\r\nCSeq: 1 " + method + "\r\n";
        };
        const auto described = [&](const std::string& contact, const std::string& host) {
            const std::string body = "v=0\r\no=- 1 1 IN IP4 " + host + "\r\ns=-\r\nc=IN IP4 " + host +
                                     "\r\nt=0 0\r\nm=audio " + port + " RTP/AVP 0\r\n";
            return "Contact: <sip:" + contact +
                   ">\r\nContent-Type: application/sdp\r\nContent-Length: " + std::to_string(body.size()) +
                   "\r\n\r\n" + body;
        };
        const std::string to_tag = ";tag=far" + tag;
        handle(
            Side::inside, phone, provider,
            head("INVITE sip:b@p.test SIP/2.0", "", "INVITE") + described("a@192.168.1.10", "192.168.1.10"));
        handle(Side::outside, provider, phone,
               head("SIP/2.0 200 OK", to_tag, "INVITE") + described("b@203.0.113.10", "203.0.113.10"));
        handle(Side::inside, phone, provider, head("ACK sip:b@203.0.113.10 SIP/2.0", to_tag, "ACK") + "\r\n");
    }
    std::vector<std::string> states() const {
        std::vector<std::string> all;
        for (const CallReport& call : report_calls(state))
            all.push_back(call.state);
        return all;
    }
};

}  // namespace

TEST_CASE("A5 after a long stop a leg without media is closed, and another leg of the Call-ID stays") {
    Router router;
    router.call("t1", "4000");
    router.call("t2", "4002");
    REQUIRE(router.states() == std::vector<std::string>{"confirmed", "confirmed"});
    const Endpoint media{*Address::parse("192.168.1.10"), 4002};
    router.state.mappings.note_flow({{Transport::udp, media}, *Address::parse("203.0.113.1")}, router.now);

    close_ended(router.engine, router.state, router.now - Time{20'000}, router.now);
    CHECK(router.states().size() == 2);  // it may be a restart in the middle of a transaction
    close_ended(router.engine, router.state, router.now - Time{600'000}, router.now);
    const auto left = report_calls(router.state);
    REQUIRE(left.size() == 1);
    CHECK(left[0].media.at(0).inside == media);
}

TEST_CASE("A5 after a long stop a call stays whose phone only has a flow of signalling") {
    Router router;
    router.call("t1", "4000");
    const Endpoint signalling{*Address::parse("192.168.1.10"), 5060};
    router.state.mappings.note_flow({{Transport::udp, signalling}, *Address::parse("203.0.113.1")},
                                    router.now);
    close_ended(router.engine, router.state, router.now - Time{600'000}, router.now);
    CHECK(router.states() == std::vector<std::string>{"confirmed"});
}
