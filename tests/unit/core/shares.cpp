// X7: attacks on the limits by hosts inside, and a phone that works in spite of them.
#include <doctest/doctest.h>

#include <string>

#include "alg/core/door.hpp"
#include "alg/core/state.hpp"
#include "tests/unit/packets.hpp"

namespace sipalg {

namespace {

const Address wan = Address::v4(0xCB007101);
const Address attacker = *Address::parse("fe80::bad"), good = *Address::parse("fe80::900d");

struct Router {
    explicit Router(const Policy& policy) : state(policy) {}

    Reason say(Side from, const std::string& phone, const Address& neighbour, const std::string& text) {
        const bool v4 = phone.front() != '[';
        const std::string peer = v4 ? "203.0.113.10:5060" : "[2001:db8:9::10]:5060";
        const bool out = from == Side::inside;
        const auto bytes = test::udp_packet(out ? phone : peer, out ? peer : phone, text);
        const Address own = Endpoint::parse(phone)->address;
        Arrival arrival(from, bytes, v4 ? Egress{wan, wan} : Egress{own, own});
        arrival.established = !out;
        arrival.neighbour = out ? neighbour : Address{};
        inspect(state, arrival, now, decision);
        state.commit();
        return decision.reason;
    }
    std::string head(const std::string& phone, const std::string& method) {
        const std::string id = std::to_string(++calls);
        return "Via: SIP/2.0/UDP " + phone + ";branch=z9hG4bK" + id + "\r\nFrom: <sip:a@p.test>;tag=" + id +
               "\r\nTo: <sip:b@p.test>\r\nCall-ID: c" + id + "\r\nCSeq: 1 " + method +
               "\r\nContact: <sip:a@" + phone + ">\r\n";
    }
    Reason enrol(const std::string& phone, const Address& neighbour) {
        return say(Side::inside, phone, neighbour,
                   "REGISTER sip:p.test SIP/2.0\r\n" + head(phone, "REGISTER") + "\r\n");
    }
    Reason call(const std::string& phone, const Address& neighbour, const std::string& uri = "sip:b@p.test") {
        const Endpoint own = *Endpoint::parse(phone);
        const std::string host = own.address.text();
        const std::string body = "v=0\r\no=a 1 1 IN IP" + std::string(own.address.is_v4() ? "4 " : "6 ") +
                                 host + "\r\ns=-\r\nc=IN IP" + (own.address.is_v4() ? "4 " : "6 ") + host +
                                 "\r\nt=0 0\r\nm=audio " + std::to_string(media += 2) + " RTP/AVP 0\r\n";
        return say(Side::inside, phone, neighbour,
                   "INVITE " + uri + " SIP/2.0\r\n" + head(phone, "INVITE") +
                       "Content-Type: application/sdp\r\nContent-Length: " + std::to_string(body.size()) +
                       "\r\n\r\n" + body);
    }
    /// Something that the peer sends to the phone, so that they are proven.
    void prove(const std::string& phone) { say(Side::outside, phone, {}, "\r\n\r\n"); }
    std::size_t open_calls() const { return state.calls.all().size(); }

    State state;
    Decision decision;
    Time now{1'000'000};
    int calls = 0, media = 20000;
};

std::string v6(int host) {
    return "[2001:db8:1::" + std::to_string(host) + "]:5060";
}
std::string v4(int host) {
    return "192.168.1." + std::to_string(host) + ":5060";
}

}  // namespace

TEST_CASE("X7 the many addresses of one host do not take all pending registrations") {
    Policy policy;
    policy.max_pending_registrations = 16;
    policy.max_pending_registrations_per_phone = 4;
    Router router(policy);
    for (int host = 1; host <= 17; ++host)
        for (int i = 0; i < 4; ++i)
            router.enrol(v6(host), attacker);
    CHECK(router.state.registrations.pending() == 4);
    CHECK(router.enrol(v4(10), good) != Reason::limit_reached);
}

TEST_CASE("X7 the many addresses of one host do not take all calls of a provider") {
    Policy policy;
    policy.max_calls = 64;
    policy.max_calls_per_phone = 16;
    policy.max_calls_per_peer = 24;
    Router router(policy);
    router.prove(v4(10));
    for (int host = 100; host < 109; ++host) {
        router.prove(v4(host));
        for (int i = 0; i < 16; ++i)
            router.call(v4(host), attacker);
    }
    // The share of the host, and one guaranteed call of each of its other addresses.
    CHECK(router.open_calls() == 16 + 8);
    CHECK(router.call(v4(10), good) == Reason::rewritten);
}

TEST_CASE("X7 a proven phone has its guaranteed part when others have used up a provider's share") {
    Policy policy;
    policy.max_calls_per_phone = 16;
    policy.max_calls_per_peer = 32;
    Router router(policy);
    router.prove(v4(10));
    for (int host = 100; host < 104; ++host) {
        router.prove(v4(host));
        for (int i = 0; i < 16; ++i)
            router.call(v4(host), {});
    }
    CHECK(router.call(v4(10), good) == Reason::rewritten);
    CHECK(router.call(v4(10), good) == Reason::limit_reached);
}

TEST_CASE("X7 the many addresses of one host do not take all mappings") {
    Policy policy;
    policy.max_mappings = 64;
    policy.max_mappings_per_phone = 16;
    Router router(policy);
    for (int host = 1; host <= 9; ++host)
        for (int i = 0; i < 16; ++i)
            router.call(v6(host), attacker);
    CHECK(router.state.mappings.all().size() <= 16);
    CHECK(router.call(v4(10), good) == Reason::rewritten);
}

TEST_CASE("X7 emergency calls have a reserve, of which each host has a share") {
    Policy policy;
    policy.max_calls = 8;
    policy.max_calls_per_phone = 8;
    policy.max_mappings = 16;
    policy.max_mappings_per_phone = 16;
    policy.max_emergency_calls = 3;
    policy.max_emergency_calls_per_phone = 2;
    policy.emergency_numbers.push_back("110");
    Router router(policy);
    for (int host = 100; host < 120; ++host)
        router.call(v4(host), {});
    REQUIRE(router.call(v4(10), good) == Reason::limit_reached);
    CHECK(router.call(v4(10), good, "sip:110@p.test") == Reason::rewritten);
    CHECK(router.state.calls.use().emergency == 1);
    CHECK(router.call(v4(10), good, "urn:service:sos.fire") == Reason::rewritten);
    CHECK(router.call(v4(10), good, "sip:112@p.test") == Reason::limit_reached);
    CHECK(router.call(v4(11), good, "sip:112@p.test") == Reason::limit_reached);
    CHECK(router.call(v4(12), attacker, "sip:112@p.test") == Reason::rewritten);
    CHECK(router.call(v4(13), {}, "sip:112@p.test") == Reason::limit_reached);
    SUBCASE("and each proven phone may have one") {
        router.prove(v4(13));
        CHECK(router.call(v4(13), {}, "sip:112@p.test") == Reason::rewritten);
        CHECK(router.call(v4(13), {}, "sip:112@p.test") == Reason::limit_reached);
    }
}

TEST_CASE("X7 a call from outside is no emergency call") {
    Policy policy;
    policy.max_emergency_calls = 1;
    Router router(policy);
    router.call(v4(10), good);
    router.say(
        Side::outside, v4(10), {},
        "INVITE sip:112@203.0.113.1 SIP/2.0\r\n" + router.head("203.0.113.10:5060", "INVITE") + "\r\n");
    CHECK(router.state.calls.use().emergency == 0);
}

}  // namespace sipalg
