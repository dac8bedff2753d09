#include "alg/core/flow_list.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include "alg/core/discover.hpp"
#include "alg/core/door.hpp"
#include "alg/core/report.hpp"
#include "tests/allocations.hpp"
#include "tests/unit/packets.hpp"
#include "tests/unit/tls/hellos.hpp"

using namespace sipalg;
using namespace sipalg::test;

namespace {

constexpr Time at{1'000'000};
constexpr const char* phone = "192.168.1.11:5060";
constexpr const char* peer = "203.0.113.10:5060";

FlowKey key(unsigned number, Transport transport = Transport::udp) {
    return {transport, {Address::v4(0xC0A80000 + number), 5060}, {Address::v4(0xCB00710A), 5060}};
}

std::string request(const std::string& method) {
    return method + " sip:a@203.0.113.10 SIP/2.0\r\nVia: SIP/2.0/UDP 192.168.1.11:5060;branch=z9hG4bK" +
           method + "\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: c\r\nCSeq: 1 " + method +
           "\r\nContent-Length: 0\r\n\r\n";
}

/// A router with flows, given packets one by one.
struct Router {
    State state{Policy{}};
    Time now = at;
    std::vector<Event> events;

    void queued(const char* source, const char* destination, const std::string& payload,
                Side from = Side::inside) {
        const Address wan = Address::v4(0xCB007101);
        const auto packet = udp_packet(source, destination, payload);
        Decision decision;
        inspect(state, {from, packet, {wan, wan}, true}, now, decision);
        state.commit();
    }
    void watched(const std::vector<std::uint8_t>& packet, Side from = Side::inside) {
        watch(state, packet, from, now, events);
    }
    FlowReport only() const {
        const auto rows = report_flows(state, now);
        REQUIRE(rows.size() == 1);
        return rows.front();
    }
};

}  // namespace

TEST_CASE("a flow has an opener, the highest kind, and counts for each direction") {
    FlowList flows;
    flows.see(key(1), Side::outside, FlowKind::stun, at);
    flows.see(key(1), Side::inside, FlowKind::sip, at + Seconds{1}).raise(FlowTreatment::rewritten);
    flows.see(key(1), Side::inside, FlowKind::keep_alive, at + Seconds{2}).raise(FlowTreatment::unmodified);
    const FlowEntry* entry = flows.find(key(1));
    REQUIRE(entry);
    CHECK(entry->opener == Side::outside);
    CHECK(entry->kind == FlowKind::sip);
    CHECK(entry->treatment == FlowTreatment::rewritten);
    CHECK(entry->first == at);
    CHECK(entry->last == at + Seconds{2});
    CHECK(entry->inward == 1);
    CHECK(entry->outward == 2);
    CHECK_FALSE(flows.find(key(1, Transport::tcp)));
    CHECK(flows.counts()[static_cast<std::size_t>(FlowKind::sip)] == 1);
}

TEST_CASE("P1: a packet of a known flow allocates nothing") {
    FlowList flows;
    for (unsigned i = 0; i < 100; ++i)
        flows.see(key(i), Side::inside, FlowKind::sip, at);
    const std::size_t before = ::test::allocations;
    for (unsigned i = 0; i < 100; ++i)
        flows.see(key(i), Side::outside, FlowKind::sip, at + Seconds{1},
                  i % 2 ? Sight::whole : Sight::beginnings);
    CHECK(::test::allocations == before);
}

TEST_CASE("idle flows are removed, and those with only a visible first packet much later") {
    FlowList flows;
    CHECK_FALSE(flows.next_deadline());
    flows.see(key(1), Side::inside, FlowKind::sip, at);
    flows.see(key(2), Side::inside, FlowKind::tls, at, Sight::beginnings);
    CHECK(flows.next_deadline() == at + std::chrono::minutes(15));
    flows.see(key(1), Side::inside, FlowKind::sip, at + Seconds{1});
    flows.expire(at + std::chrono::minutes(15));
    CHECK(flows.size() == 2);
    flows.expire(at + std::chrono::minutes(15) + Seconds{1});
    CHECK_FALSE(flows.find(key(1)));
    CHECK(flows.next_deadline() == at + std::chrono::hours(24 * 7));
    flows.expire(at + std::chrono::hours(24 * 7));
    CHECK(flows.size() == 0);
    CHECK_FALSE(flows.next_deadline());
}

TEST_CASE("a flow can be removed") {
    FlowList flows;
    flows.see(key(1), Side::inside, FlowKind::tls, at);
    flows.forget(key(1));
    flows.forget(key(1));
    CHECK(flows.size() == 0);
}

TEST_CASE("X7: at the limit the flow that has been idle longest is replaced, of either class") {
    FlowList flows;
    for (unsigned i = 0; i < FlowList::most; ++i)
        flows.see(key(i), Side::inside, FlowKind::sip, at + Time{i},
                  i % 2 ? Sight::whole : Sight::beginnings);
    flows.see(key(0), Side::inside, FlowKind::sip, at + Seconds{60}, Sight::beginnings);
    for (unsigned i = 0; i < 3; ++i)
        flows.see(key(100'000 + i), Side::inside, FlowKind::sip, at + Seconds{61});
    CHECK(flows.size() == FlowList::most);
    CHECK(flows.find(key(0)));
    for (unsigned i = 1; i <= 3; ++i)
        CHECK_FALSE(flows.find(key(i)));
    CHECK(flows.find(key(4)));
}

TEST_CASE("S8: each UDP packet is in the list, with its kind") {
    Router router;
    router.queued(phone, peer, "\r\n\r\n");
    CHECK(router.only().kind == "keep_alive");
    CHECK(router.only().treatment == "untouched");
    router.queued(phone, peer, "POST / HTTP/1.1\r\n\r\n");
    CHECK(router.only().kind == "http");
    router.queued(phone, peer, dtls_records(hello_body(server_name("sip.example.com"), true)));
    CHECK(router.only().kind == "dtls");
    CHECK(router.only().sni == "sip.example.com");
    router.queued(phone, peer, request("OPTIONS"));
    router.now += Seconds{7};
    const FlowReport row = router.only();
    CHECK(row.kind == "sip");
    CHECK(row.treatment == "rewritten");
    CHECK(row.phone.text() == phone);
    CHECK(row.peer.text() == peer);
    CHECK(row.opened_by == "inside");
    CHECK(row.configured);
    CHECK(row.outward == 4);
    CHECK(row.inward == 0);
    CHECK(row.started == at);
    CHECK(row.idle_s == 7);
    router.queued(peer, "192.168.1.12:5060", "INVITE nonsense", Side::outside);
    REQUIRE(report_flows(router.state, router.now).size() == 2);
    const FlowReport other = report_flows(router.state, router.now)[1];
    CHECK(other.opened_by == "outside");
    CHECK(other.phone.text() == "192.168.1.12:5060");
    CHECK(other.treatment == "untouched");
}

TEST_CASE("expire() removes idle flows, and they set no deadline") {
    Router router;
    router.queued(phone, peer, "\r\n\r\n");
    REQUIRE(router.state.next_deadline());
    Decision decision;
    expire(router.state, *router.state.next_deadline(), decision);
    CHECK(report_flows(router.state, router.now).empty());
    CHECK(decision.changes.empty());
}

TEST_CASE("N4: a ClientHello is reported with its server name and opens nothing") {
    Router router;
    router.watched(tcp_packet("192.168.1.11:40000", "203.0.113.10:5061",
                              tls_records(hello_body(server_name("sip.example.com")))));
    FlowReport row = router.only();
    CHECK(row.kind == "tls");
    CHECK(row.sni == "sip.example.com");
    CHECK(row.treatment == "untouched");
    CHECK(row.configured);
    CHECK(row.opened_by == "inside");
    CHECK(router.state.elements(router.now).empty());
    CHECK(router.state.scan.idle());

    REQUIRE(watched_flows(router.state).size() == 1);
    router.state.flows.forget(watched_flows(router.state).front());
    CHECK(report_flows(router.state, router.now).empty());

    // The first segment of a longer hello: it shows TLS, but not the server name.
    Router half;
    half.watched(tcp_packet("203.0.113.10:40000", "192.168.1.11:5061",
                            tls_records(hello_body(server_name("sip.example.com"))).substr(0, 60)),
                 Side::outside);
    row = half.only();
    CHECK(row.kind == "tls");
    CHECK(row.sni.empty());
    CHECK(row.opened_by == "outside");
}

TEST_CASE("N4: bytes that are neither a ClientHello nor SIP are not reported") {
    Router router;
    router.watched(tcp_packet("192.168.1.11:40000", "203.0.113.10:5061", ""));
    router.watched(tcp_packet("192.168.1.11:40000", "203.0.113.10:5061", "\x16\x03"));
    router.watched(udp_packet("192.168.1.11:40000", "203.0.113.10:5061", "INVITATION"));
    router.watched({});
    CHECK(report_flows(router.state, router.now).empty());
    CHECK(router.events.empty());
}

TEST_CASE("N3: SIP on another port is reported once for each server") {
    Router router;
    const char* server = "203.0.113.10:5070";
    router.watched(udp_packet("192.168.1.11:40000", server, request("REGISTER")));
    FlowReport row = router.only();
    CHECK(row.kind == "sip");
    CHECK_FALSE(row.configured);
    CHECK(row.treatment == "untouched");
    CHECK(watched_flows(router.state).empty());  // a finding stays in the list, although the flow may end
    REQUIRE(router.events.size() == 1);
    CHECK(router.events[0].kind == Event::Kind::sip_found);
    CHECK(router.events[0].subject == "udp 203.0.113.10:5070");
    CHECK(router.events[0].detail.find("sip-port = 5070") != std::string::npos);
    router.watched(udp_packet(server, "192.168.1.11:40000", "SIP/2.0 401 No\r\n\r\n"), Side::outside);
    router.watched(udp_packet("192.168.1.12:40000", server, request("REGISTER")));
    CHECK(router.events.size() == 1);
    router.watched(tcp_packet("192.168.1.11:40000", server, request("REGISTER")));
    CHECK(router.events.size() == 2);
    // A PBX inside that listens on a port of its own.
    router.watched(udp_packet("203.0.113.66:50000", "192.168.1.11:5080", request("INVITE")), Side::outside);
    REQUIRE(router.events.size() == 3);
    CHECK(router.events[2].detail.find("sip-port = 5080") != std::string::npos);
    CHECK(router.state.elements(router.now).empty());
}

TEST_CASE("X7: the number of reported ports has a limit") {
    Router router;
    for (int port = 20'000; port < 21'000; ++port)
        router.watched(
            udp_packet("192.168.1.11:40000", "203.0.113.10:" + std::to_string(port), request("OPTIONS")));
    CHECK(router.events.size() == 256);
}

TEST_CASE("a discovered flow that becomes signalling of a phone is configured") {
    Router router;
    router.watched(udp_packet("192.168.1.11:5070", "203.0.113.10:5070", request("REGISTER")));
    CHECK_FALSE(router.only().configured);
    router.queued("192.168.1.11:5070", "203.0.113.10:5070", request("REGISTER"));
    CHECK(router.only().configured);
}
