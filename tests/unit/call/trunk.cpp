// Hundreds of calls of a PBX on one 5-tuple, with equal tags, CSeq numbers and ports of the peer (C1).
#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "alg/core/door.hpp"
#include "alg/core/report.hpp"
#include "tests/cases/invariants.hpp"
#include "tests/cases/kernel.hpp"
#include "tests/unit/flow_tracker.hpp"
#include "tests/unit/packets.hpp"

namespace sipalg {

namespace {

const Address wan = Address::v4(0xCB007101);
constexpr std::size_t count = 500;

struct Trunk {
    static std::unique_ptr<State> fresh() {
        auto made = std::make_unique<State>(Policy{});
        made->set_own_addresses({wan, *Address::parse("192.168.1.1")});
        return made;
    }

    std::string say(Side from, const std::string& text) {
        const bool out = from == Side::inside;
        const auto bytes = test::udp_packet(out ? pbx : provider, out ? provider : pbx, text);
        inspect(*state, test::answering({from, bytes, {wan, wan}}), now, decision);
        REQUIRE(decision.reason != Reason::limit_reached);
        kernel.apply(decision.changes, now);
        state->commit();
        return decision.rewritten ? decision.payload : text;
    }
    void pass(Time time) {
        const Time end = now + time;
        while (state->next_deadline() && *state->next_deadline() <= end) {
            now = std::max(now, *state->next_deadline());
            expire(*state, now, decision);
            kernel.apply(decision.changes, now);
            state->commit();
        }
        now = end;
        kernel.expire(now);
    }
    void restart() {
        auto next = fresh();
        kernel.apply(next->restore(
                         kernel.read(now), [](const Address&) { return wan; }, now),
                     now);
        state = std::move(next);
    }

    std::map<std::string, std::set<std::string>> open() const {
        std::map<std::string, std::set<std::string>> all;
        for (const PinholeReport& p : report_pinholes(*state, now))
            if (p.serves == PinholeReport::Serves::media)
                all[p.call_id].insert(p.public_endpoint.text() + " > " + p.inside.text() + " from " +
                                      p.remote);
        return all;
    }

    std::string pbx = "192.168.1.20:5060", provider = "203.0.113.10:5060";
    std::unique_ptr<State> state = fresh();
    test::TableKernel kernel;
    Decision decision;
    Time now{1'000'000};
};

// Every other call comes in.
struct TrunkCall {
    explicit TrunkCall(std::size_t i) : n(i) {}

    bool in() const { return n % 2 == 1; }
    Side caller() const { return in() ? Side::outside : Side::inside; }
    Side callee() const { return in() ? Side::inside : Side::outside; }
    std::string id() const { return "trunk" + std::to_string(n); }
    unsigned port() const { return 20000 + 2 * static_cast<unsigned>(n); }
    std::string media() const { return "203.0.113." + std::to_string(50 + n % 50); }

    std::string head(const std::string& first, Side asked_by, bool tagged, const std::string& cseq) const {
        const bool by_caller = asked_by == caller();
        const std::string a = "<sip:a@provider.test>;tag=a", b = "<sip:b@provider.test>";
        const std::string callee = tagged ? b + ";tag=b" : b;
        const std::string host = asked_by == Side::inside ? "192.168.1.20" : "203.0.113.10";
        return first + "\r\nVia: SIP/2.0/UDP " + host + ":5060;branch=z9hG4bK" + id() + cseq.substr(0, 1) +
               "\r\nFrom: " + (by_caller ? a : callee) + "\r\nTo: " + (by_caller ? callee : a) +
               "\r\nCall-ID: " + id() + "\r\nCSeq: " + cseq + "\r\n";
    }
    std::string sdp(Side side) const {
        const std::string host = side == Side::inside ? "192.168.1.20" : media();
        const std::string at = std::to_string(side == Side::inside ? port() : 30000);
        return "Contact: <sip:x@" + std::string(side == Side::inside ? "192.168.1.20" : "203.0.113.10") +
               ":5060>\r\nContent-Type: application/sdp\r\n\r\nv=0\r\no=- 1 1 IN IP4 " + host +
               "\r\ns=-\r\nc=IN IP4 " + host + "\r\nt=0 0\r\nm=audio " + at + " RTP/AVP 0\r\n";
    }
    std::string invite() const {
        return head("INVITE sip:" + std::string(in() ? "x@203.0.113.1" : "b@provider.test") + " SIP/2.0",
                    caller(), false, "1 INVITE") +
               sdp(caller());
    }
    // A response as its sender writes it: the Via is as the request brought it.
    std::string response(const std::string& status, const std::string& cseq, Side asked_by,
                         bool described) const {
        std::string text = head("SIP/2.0 " + status, asked_by, true, cseq);
        if (asked_by == Side::inside) text.replace(text.find("192.168.1.20"), 12, "203.0.113.1");
        return text + (described ? sdp(callee()) : "\r\n");
    }
    std::set<std::string> holes() const {
        std::set<std::string> all;
        for (const unsigned p : {port(), port() + 1})
            all.insert("203.0.113.1:" + std::to_string(p) + " > 192.168.1.20:" + std::to_string(p) +
                       " from " + media());
        return all;
    }

    void ring(Trunk& trunk) const {
        trunk.say(caller(), invite());
        trunk.say(callee(), response("180 Ringing", "1 INVITE", caller(), false));
    }
    void refuse(Trunk& trunk) const {
        trunk.say(callee(), response("486 Busy", "1 INVITE", caller(), false));
    }
    void answer(Trunk& trunk) const {
        trunk.say(callee(), response("200 OK", "1 INVITE", caller(), true));
        trunk.say(caller(), head("ACK sip:x SIP/2.0", caller(), true, "1 ACK") + "\r\n");
    }
    void end(Trunk& trunk, Side by) const {
        trunk.say(by, head("BYE sip:x SIP/2.0", by, true, "2 BYE") + "\r\n");
        trunk.say(by == Side::inside ? Side::outside : Side::inside, response("200 OK", "2 BYE", by, false));
    }

    std::size_t n;
};

}  // namespace

TEST_CASE("C1 A5 law 7 five hundred calls of a PBX on one 5-tuple open, change and close independently") {
    Trunk trunk;
    std::vector<TrunkCall> calls;
    for (std::size_t i = 0; i < count; ++i)
        calls.emplace_back(i);
    // The PBX has shown its signalling endpoint.
    trunk.say(Side::inside,
              "OPTIONS sip:provider.test SIP/2.0\r\nVia: SIP/2.0/UDP 192.168.1.20:5060;branch=z9hG4bKo\r\n"
              "From: <sip:a@provider.test>;tag=o\r\nTo: <sip:provider.test>\r\nCall-ID: o\r\n"
              "CSeq: 1 OPTIONS\r\nContact: <sip:x@192.168.1.20:5060>\r\n\r\n");
    for (const TrunkCall& call : calls)
        call.ring(trunk);
    CHECK(totals(*trunk.state).calls == count);

    std::map<std::string, std::set<std::string>> expected;
    for (const TrunkCall& call : calls)
        if (call.n % 5 == 3) {
            call.refuse(trunk);
        } else {
            call.answer(trunk);
            expected[call.id()] = call.holes();
        }
    REQUIRE(trunk.open() == expected);

    // In an order that is neither theirs nor its reverse; 199 has no divisor in common with 500.
    std::size_t ended = 0;
    for (std::size_t i = 0; i < count; ++i) {
        const TrunkCall& call = calls[i * 199 % count];
        if (expected.erase(call.id()) == 0) continue;
        call.end(trunk, call.n % 3 == 0 ? Side::inside : Side::outside);
        REQUIRE(trunk.open() == expected);
        if (++ended == 150) {
            trunk.pass(Time{1000});
            trunk.restart();
            REQUIRE(trunk.open() == expected);
        }
    }
    CHECK(trunk.open().empty());
    trunk.pass(Time{400'000});
    CHECK(trunk.kernel.elements().empty());
    CHECK(totals(*trunk.state).calls == 0);
    test::check_invariants(*trunk.state, trunk.kernel, trunk.now);
}

}  // namespace sipalg
