#include "alg/daemon/run/engine.hpp"

#include <doctest/doctest.h>

#include <stdexcept>

#include "tests/unit/flow_tracker.hpp"
#include "tests/unit/packets.hpp"

using namespace sipalg;
using namespace sipalg::daemon;

namespace {

/// Writes down what is asked of it, in order.
struct RecordingKernel : Kernel {
    std::vector<std::string> asked;
    std::size_t elements = 0;  ///< in the last transaction
    std::optional<std::string> refusal;
    bool broken = false;

    void erase(std::span<const ConntrackTuple>) override { asked.emplace_back("erase"); }
    Result<> apply(std::span<const Change> changes) override {
        if (broken) throw std::runtime_error("netlink is gone");
        asked.emplace_back("apply");
        elements = changes.size();
        if (refusal) return Failure{*refusal};
        return {};
    }
    std::vector<PortQuestion> questions;
    std::optional<std::uint16_t> port;
    std::optional<std::uint16_t> inside_port(const PortQuestion& question) override {
        questions.push_back(question);
        if (broken) throw std::runtime_error("netlink is gone");
        return question.outside.port == 14830 ? port : std::nullopt;
    }
};

struct Router {
    State state{Policy{}};
    RecordingKernel kernel;
    Engine engine{state, kernel};
    Time now{1'000'000};

    std::uint64_t count(Reason reason) const { return engine.counters()[static_cast<std::size_t>(reason)]; }
    Bytes handle(const std::vector<std::uint8_t>& packet, std::size_t longest = 65531) {
        const Address wan = *Address::parse("203.0.113.1");
        return engine.handle({Side::inside, packet, {wan, wan}}, now, longest).packet;
    }
};

std::vector<std::uint8_t> invite(std::size_t padding = 0) {
    const std::string body =
        "v=0\r\no=- 1 1 IN IP4 192.168.1.10\r\ns=-\r\nc=IN IP4 192.168.1.10\r\nt=0 0\r\nm=audio 4000 RTP/AVP "
        "0\r\n";
    return test::udp_packet("192.168.1.10:5060", "203.0.113.10:5060",
                            "INVITE sip:bob@203.0.113.10 SIP/2.0\r\n"
                            "Via: SIP/2.0/UDP 192.168.1.10:5060;branch=z9hG4bK1;rport\r\n"
                            "From: <sip:alice@203.0.113.10>;tag=a\r\nTo: <sip:bob@203.0.113.10>\r\n"
                            "Call-ID: one@phone\r\nCSeq: 1 INVITE\r\nContact: <sip:alice@192.168.1.10>\r\n"
                            "X: " +
                                std::string(padding, 'x') +
                                "\r\nContent-Type: application/sdp\r\nContent-Length: " +
                                std::to_string(body.size()) + "\r\n\r\n" + body);
}

/// A keep-alive of the INVITE's peer, on the flow that the INVITE began.
void answer(Engine& engine, const Address& wan, Time now) {
    const auto packet = test::udp_packet("203.0.113.10:5060", "192.168.1.10:5060", "\r\n");
    engine.handle(test::answering({Side::outside, packet, {wan, wan}}), now, 65531);
}

std::string payload(Bytes packet) {
    const auto parsed = parse_packet(packet);
    return parsed ? std::string(parsed->payload) : std::string();
}

}  // namespace

TEST_CASE("the kernel has its elements before the message leaves (law 1)") {
    Router router;
    const Bytes sent = router.handle(invite());
    REQUIRE_FALSE(router.kernel.asked.empty());
    CHECK(router.kernel.asked.back() == "apply");
    CHECK(router.kernel.elements > 0);
    CHECK(payload(sent).find("c=IN IP4 203.0.113.1\r\n") != std::string::npos);
    CHECK(payload(sent).find("192.168.1.10") == std::string::npos);
    CHECK(totals(router.state).calls == 1);
    CHECK(router.count(Reason::rewritten) == 1);
}

TEST_CASE("after a refusal the original bytes pass, there is no call, and the message is counted") {
    Router router;
    router.kernel.refusal = "table is full";
    CHECK(router.handle(invite()).empty());
    CHECK(totals(router.state).calls == 0);
    CHECK(totals(router.state).mappings == 0);
    CHECK(router.count(Reason::kernel_refused) == 1);
    CHECK(router.count(Reason::rewritten) == 0);
    // The phone's retransmission finds a kernel that takes it.
    router.kernel.refusal.reset();
    CHECK_FALSE(router.handle(invite()).empty());
    CHECK(totals(router.state).calls == 1);
}

TEST_CASE("an error of the kernel's interface counts as a refusal") {
    Router router;
    router.kernel.broken = true;
    CHECK(router.handle(invite()).empty());
    CHECK(totals(router.state).calls == 0);
    CHECK(router.count(Reason::kernel_refused) == 1);
}

TEST_CASE("a message that is too long for a verdict changes nothing") {
    Router router;
    CHECK(router.handle(invite(), 300).empty());
    CHECK(router.kernel.asked.empty());
    CHECK(totals(router.state).calls == 0);
    CHECK(router.count(Reason::too_long) == 1);
}

TEST_CASE("bytes that are not a packet pass and are counted") {
    Router router;
    CHECK(router.handle({0x45, 0, 0}).empty());
    CHECK(router.count(Reason::unreadable_packet) == 1);
    router.engine.count(Reason::unreadable_packet);
    CHECK(router.count(Reason::unreadable_packet) == 2);
}

TEST_CASE("S9 malformed = drop only drops SIP that cannot be read") {
    const auto packet = [](const std::string& text) {
        return test::udp_packet("192.168.1.10:5060", "203.0.113.10:5060", text);
    };
    const std::string broken =
        "INVITE sip:b@c SIP/2.0\r\nVia: SIP/2.0/UDP 192.168.1.10:5060\r\nCSeq: none\r\n\r\n";
    const std::string cut =
        "OPTIONS sip:b@c SIP/2.0\r\nVia: SIP/2.0/UDP 192.168.1.10:5060;branch=z9hG4bK1\r\n"
        "From: <sip:a@c>;tag=1\r\nTo: <sip:b@c>\r\nCall-ID: c\r\nCSeq: 1 OPTIONS\r\n"
        "Content-Length: 9\r\n\r\n";
    for (const bool drop : {false, true}) {
        Policy policy;
        policy.drop_malformed = drop;
        State state(policy);
        RecordingKernel kernel;
        Engine engine(state, kernel);
        const auto action = [&](const std::string& text, Side from = Side::inside) {
            const auto bytes = packet(text);
            const Address wan = *Address::parse("203.0.113.1");
            return engine.handle({from, bytes, {wan, wan}}, Time{1'000'000}, 65531).kind;
        };
        const auto unreadable = drop ? Action::Kind::drop : Action::Kind::pass;
        CHECK(action(broken) == unreadable);
        CHECK(action(cut) == unreadable);
        CHECK(action("\r\n\r\n") == Action::Kind::pass);
        CHECK(action("GET / HTTP/1.1\r\n\r\n") == Action::Kind::pass);
        CHECK(action(cut.substr(0, cut.size() - 21) + "\r\n") == Action::Kind::replace);
        CHECK(engine.counters()[static_cast<std::size_t>(Reason::malformed)] == 1);
        CHECK(engine.counters()[static_cast<std::size_t>(Reason::truncated)] == 1);
    }
}

TEST_CASE("S2 the kernel is asked about a public port, and the message is decided at once") {
    const std::string body =
        "v=0\r\no=- 1 1 IN IP4 203.0.113.1\r\ns=-\r\nc=IN IP4 203.0.113.1\r\nt=0 0\r\nm=audio 14830 RTP/AVP "
        "0\r\na=rtcp-mux\r\n";
    const auto packet = test::udp_packet(
        "192.168.1.10:5060", "203.0.113.10:5060",
        "INVITE sip:bob@203.0.113.10 SIP/2.0\r\nVia: SIP/2.0/UDP 192.168.1.10:5060;branch=z9hG4bK1;rport\r\n"
        "From: <sip:alice@203.0.113.10>;tag=a\r\nTo: <sip:bob@203.0.113.10>\r\n"
        "Call-ID: one@phone\r\nCSeq: 1 INVITE\r\nContact: <sip:alice@192.168.1.10>\r\n"
        "Content-Type: application/sdp\r\nContent-Length: " +
            std::to_string(body.size()) + "\r\n\r\n" + body);
    const Address wan = *Address::parse("203.0.113.1"), phone = *Address::parse("192.168.1.10");
    const auto inside_of = [&](const Router& router) {
        const nat::MappingEntry* entry = router.state.mappings.find_public({Transport::udp, {wan, 14830}});
        return entry ? entry->mapping.inside.port : 0;
    };
    Router router;
    router.kernel.port = 40000;
    CHECK_FALSE(router.handle(packet).empty());
    REQUIRE_FALSE(router.kernel.questions.empty());
    CHECK(router.kernel.questions.front() == PortQuestion{{wan, 14830}, phone});
    CHECK(inside_of(router) == 40000);
    Router unknowing;
    unknowing.handle(packet);
    CHECK(inside_of(unknowing) == 14830);
}

TEST_CASE("an unanswered call is closed at its deadline, and no deadline is left") {
    Router router;
    router.handle(invite());
    int wake_ups = 0;
    while (const auto next = router.engine.advance(router.now)) {
        REQUIRE(*next > router.now);
        router.now = *next;
        REQUIRE(++wake_ups < 100);
    }
    CHECK(totals(router.state).calls == 0);
    CHECK(totals(router.state).pinholes == 0);
}

TEST_CASE("a refused deadline is repeated after a pause, not in a loop") {
    Router router;
    router.handle(invite());
    router.kernel.refusal = "no";
    router.kernel.asked.clear();
    // Some of what is due asks nothing of the kernel.
    auto retry = router.engine.advance(router.now);
    for (int i = 0; router.kernel.asked.empty() && i < 100; ++i) {
        REQUIRE(retry);
        router.now = *retry;
        retry = router.engine.advance(router.now);
    }
    REQUIRE(router.kernel.asked.size() == 1);
    REQUIRE(retry);
    CHECK(*retry == router.now + Time(1000));
    CHECK(router.engine.advance(router.now + Time(999)) == retry);
    CHECK(router.kernel.asked.size() == 1);
}

TEST_CASE("elements without a call or binding do not prevent the daemon from serving (A5)") {
    Router router;
    const Mapping orphan{Transport::udp, *Endpoint::parse("192.168.1.10:4000"),
                         *Endpoint::parse("203.0.113.1:4000")};
    router.kernel.refusal = "no";
    router.engine.restore(
        std::vector<StoredElement>{{orphan, Seconds(60)}}, [](const Address& address) { return address; },
        router.now);
    CHECK(totals(router.state).calls == 0);
    CHECK(totals(router.state).pinholes == 0);
    router.kernel.refusal.reset();
    CHECK_FALSE(router.handle(invite()).empty());
}

TEST_CASE(
    "C11 a change of the address is one transaction, then flows are deleted; if refused, nothing moves") {
    Router router;
    router.handle(invite());
    const Address before = *Address::parse("203.0.113.1"), now = *Address::parse("203.0.113.2");
    const std::vector<AddressChange> moves{{before, {now, now}}};
    router.kernel.asked.clear();
    router.kernel.refusal = "no";
    CHECK_FALSE(router.engine.renumber(moves, router.now));
    CHECK(router.state.egresses() == std::vector<Egress>{{before, before}});
    router.kernel.refusal.reset();
    router.kernel.asked.clear();
    CHECK(router.engine.renumber(moves, router.now));
    CHECK(router.state.egresses() == std::vector<Egress>{{now, now}});
    CHECK(router.kernel.asked == std::vector<std::string>{"apply"});  // no port was announced yet
    router.kernel.broken = true;
    CHECK_FALSE(router.engine.renumber(std::vector<AddressChange>{{now, {before, before}}}, router.now));
    CHECK(router.state.egresses() == std::vector<Egress>{{now, now}});
}

TEST_CASE("O7 mode observe changes neither the kernel nor bytes, and reports what would be done") {
    Policy policy;
    policy.treatments.mode = Mode::observe;
    State state(policy);
    RecordingKernel kernel;
    Engine engine(state, kernel, policy);
    Time now{1'000'000};
    const Address wan = *Address::parse("203.0.113.1");
    const auto packet = invite();
    const Action action = engine.handle({Side::inside, packet, {wan, wan}}, now, 65531);
    CHECK(action.kind == Action::Kind::pass);
    CHECK(kernel.asked.empty());
    CHECK(totals(state).calls == 0);
    CHECK(engine.counters()[static_cast<std::size_t>(Reason::would_rewrite)] == 1);
    const auto calls = engine.observer().calls();
    REQUIRE(calls.size() == 1);
    CHECK(calls[0].observed);
    CHECK(engine.observer().pinholes(now).empty());  // X11: not before the peer has answered
    answer(engine, wan, now);
    const auto pinholes = engine.observer().pinholes(now);
    REQUIRE_FALSE(pinholes.empty());
    CHECK(pinholes[0].observed);
    CHECK(pinholes[0].remote == "203.0.113.10");
    // It ends there too, without a request to the kernel.
    for (int i = 0; i < 100; ++i) {
        const auto next = engine.advance(now);
        if (!next) break;
        now = std::max(now, *next);
    }
    CHECK(engine.observer().calls().empty());
    CHECK(kernel.asked.empty());
    engine.observer().restart(policy);
    CHECK_FALSE(engine.advance(now));
}

TEST_CASE("O7 C11: observed calls move with the router's address, without a change in the kernel") {
    Policy policy;
    policy.treatments.mode = Mode::observe;
    State state(policy);
    RecordingKernel kernel;
    Engine engine(state, kernel, policy);
    const Time now{1'000'000};
    const Address before = *Address::parse("203.0.113.1"), after = *Address::parse("203.0.113.77");
    const auto packet = invite();
    engine.handle({Side::inside, packet, {before, before}}, now, 65531);
    answer(engine, before, now);
    CHECK(engine.egresses() == std::vector<Egress>{{before, before}});
    CHECK(engine.renumber(std::vector<AddressChange>{{before, {after, after}}}, now));
    CHECK(engine.egresses() == std::vector<Egress>{{after, after}});
    const auto pinholes = engine.observer().pinholes(now);
    REQUIRE_FALSE(pinholes.empty());
    CHECK(pinholes[0].public_endpoint.address == after);
    CHECK(kernel.asked.empty());
}

TEST_CASE("O7 an observed phone does not affect others") {
    Policy policy;
    policy.treatments.phones.push_back({*Prefix::parse("192.168.1.11"), {}});
    policy.treatments.phones[0].treatment.mode = Mode::observe;
    State state(policy);
    RecordingKernel kernel;
    Engine engine(state, kernel, policy);
    const Address wan = *Address::parse("203.0.113.1");
    const auto packet = invite();
    CHECK(engine.handle({Side::inside, packet, {wan, wan}}, Time{1'000'000}, 65531).kind ==
          Action::Kind::replace);
    CHECK(engine.observer().calls().empty());
    CHECK(totals(state).calls == 1);
}

TEST_CASE("C7 SPEC 1 the owner closes a call with its media in one transaction") {
    Router router;
    router.handle(invite());
    const auto one = [](const CallKey& key) { return key.call_id == "one@phone"; };
    CHECK(router.engine.close_calls([](const CallKey&) { return false; }, router.now) == 0);
    REQUIRE(report_calls(router.state).size() == 1);
    const std::size_t transactions = router.kernel.asked.size();
    CHECK(router.engine.close_calls(one, router.now) == 1);
    CHECK(router.kernel.asked.size() > transactions);
    CHECK(totals(router.state).pinholes == 0);
    CHECK(report_calls(router.state).empty());               // it only waits for late messages
    CHECK(router.engine.close_calls(one, router.now) == 0);  // once is enough
    router.now += Time(33'000);
    router.engine.advance(router.now);
    CHECK(totals(router.state).calls == 0);
}

TEST_CASE("law 4: a close that the kernel refuses leaves the call as it was") {
    Router router;
    router.handle(invite());
    router.kernel.refusal = "no";
    const auto all = [](const CallKey&) { return true; };
    CHECK(router.engine.close_calls(all, router.now) == 0);
    CHECK(report_calls(router.state).size() == 1);
    router.kernel.refusal.reset();
    CHECK(router.engine.close_calls(all, router.now) == 1);
}
