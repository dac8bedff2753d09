// Packets that wait together (P4).
#include <doctest/doctest.h>

#include <algorithm>

#include "tests/unit/daemon/captured_log.hpp"
#include "tests/unit/daemon/group_router.hpp"
#include "tests/unit/flow_tracker.hpp"
#include "tests/unit/packets.hpp"

using namespace sipalg;
using test::Router, test::wan;

namespace {

/// An INVITE of call `number`, whose audio is at port 4000 + 2 * number of `media`.
std::vector<std::uint8_t> invite(int number, const std::string& media = "192.168.1.10", int cseq = 1) {
    const std::string body = "v=0\r\no=- 1 1 IN IP4 " + media + "\r\ns=-\r\nc=IN IP4 " + media +
                             "\r\nt=0 0\r\nm=audio " + std::to_string(4000 + 2 * number) + " RTP/AVP 0\r\n";
    return test::udp_packet(
        "192.168.1.10:5060", "203.0.113.10:5060",
        "INVITE sip:bob@203.0.113.10 SIP/2.0\r\nVia: SIP/2.0/UDP 192.168.1.10:5060;branch=z9hG4bK" +
            std::to_string(number) + "x" + std::to_string(cseq) +
            ";rport\r\nFrom: <sip:alice@203.0.113.10>;tag=a\r\nTo: <sip:bob@203.0.113.10>\r\nCall-ID: " +
            std::to_string(number) + "@phone\r\nCSeq: " + std::to_string(cseq) +
            " INVITE\r\nContact: <sip:alice@192.168.1.10>\r\nContent-Type: application/sdp\r\n"
            "Content-Length: " +
            std::to_string(body.size()) + "\r\n\r\n" + body);
}

std::vector<std::uint8_t> cancel(int number) {
    return test::udp_packet(
        "192.168.1.10:5060", "203.0.113.10:5060",
        "CANCEL sip:bob@203.0.113.10 SIP/2.0\r\nVia: SIP/2.0/UDP 192.168.1.10:5060;branch=z9hG4bK" +
            std::to_string(number) +
            "x1;rport\r\nFrom: <sip:alice@203.0.113.10>;tag=a\r\nTo: <sip:bob@203.0.113.10>\r\nCall-ID: " +
            std::to_string(number) + "@phone\r\nCSeq: 1 CANCEL\r\nContent-Length: 0\r\n\r\n");
}

const std::vector<std::uint8_t> keep_alive =
    test::udp_packet("192.168.1.10:5060", "203.0.113.10:5060", "\r\n\r\n");

std::uint64_t outward(const Router& router) {
    const FlowEntry* entry = router.state.flows.find(
        {Transport::udp, *Endpoint::parse("192.168.1.10:5060"), *Endpoint::parse("203.0.113.10:5060")});
    return entry ? entry->outward : 0;
}

/// The same packets in a group, and one by one in front of a kernel that refuses the same port.
void compare(const std::vector<std::vector<std::uint8_t>>& packets, std::uint16_t refused_port) {
    Router alone, group;
    alone.kernel.refused_port = group.kernel.refused_port = refused_port;
    for (std::size_t i = 0; i < packets.size(); ++i) {
        alone.handle(packets[i], i);
        group.gather(packets[i], i);
    }
    group.engine.settle(group.now);
    CHECK(alone.verdicts == group.verdicts);
    CHECK(alone.engine.counters() == group.engine.counters());
    CHECK(alone.expected().size() == group.expected().size());
    CHECK(group.kernel.elements == group.expected());
    CHECK(totals(alone.state).calls == totals(group.state).calls);
    CHECK(totals(alone.state).mappings == totals(group.state).mappings);
    CHECK(outward(alone) == outward(group));
}

}  // namespace

TEST_CASE("P4 messages that wait together share one transaction, and leave after its acknowledgement") {
    Router router;
    router.kernel.before_answer = [&] { CHECK(router.verdicts.empty()); };
    std::vector<std::vector<std::uint8_t>> packets;
    for (int number = 1; number <= 16; ++number)
        packets.push_back(invite(number));
    for (std::size_t i = 0; i < packets.size(); ++i)
        CHECK(router.gather(packets[i], i));
    CHECK(router.kernel.transactions.empty());
    CHECK(router.count(Reason::rewritten) == 0);
    router.engine.settle(router.now);
    CHECK(router.kernel.transactions.size() == 1);
    CHECK(totals(router.state).calls == 16);
    CHECK(router.count(Reason::rewritten) == 16);
    CHECK(router.kernel.elements == router.expected());
    REQUIRE(router.order.size() == 16);
    CHECK(std::is_sorted(router.order.begin(), router.order.end()));
    for (const auto& [token, verdict] : router.verdicts) {
        CHECK(verdict.kind == Output::Kind::replace);
        CHECK(verdict.payload.find("Call-ID: " + std::to_string(token + 1) + "@phone") != std::string::npos);
        CHECK(verdict.payload.find("c=IN IP4 203.0.113.1\r\n") != std::string::npos);
    }
    router.engine.settle(router.now);
    CHECK(router.kernel.transactions.size() == 1);
}

TEST_CASE("P4 a transaction has the changes of at most 16 packets") {
    Router router;
    std::vector<std::vector<std::uint8_t>> packets;
    for (int number = 1; number <= 20; ++number)
        packets.push_back(invite(number));
    for (std::size_t i = 0; i < packets.size(); ++i)
        router.gather(packets[i], i);
    CHECK(router.order.size() == 16);
    router.engine.settle(router.now);
    CHECK(router.order.size() == 20);
    CHECK(router.kernel.transactions.size() == 2);
}

TEST_CASE("P4 law 4: after a refusal each packet is decided again, alone and in order") {
    const std::vector<std::vector<std::uint8_t>> packets{
        invite(1), invite(2), keep_alive, invite(3),
        cancel(2), invite(4), invite(3),  invite(1, "192.168.1.10", 2)};
    compare(packets, 0);
    for (int refused = 1; refused <= 4; ++refused)
        compare(packets, static_cast<std::uint16_t>(4000 + 2 * refused));
    Router router;
    router.kernel.refused_port = 4004;
    for (std::size_t i = 0; i < packets.size(); ++i)
        router.gather(packets[i], i);
    router.engine.settle(router.now);
    CHECK(router.verdicts[0].kind == Output::Kind::replace);
    CHECK(router.verdicts[1].kind == Output::Kind::pass);
    CHECK(router.verdicts[3].kind == Output::Kind::replace);
    CHECK(router.count(Reason::kernel_refused) == 1);
    CHECK(totals(router.state).calls == 3);
    CHECK(router.order == std::vector<std::uint64_t>{0, 1, 2, 3, 4, 5, 6, 7});
}

TEST_CASE("P4 a kernel that cannot be asked refuses every message of a group") {
    Router router;
    router.kernel.broken = true;
    const auto first = invite(1), second = invite(2);
    router.gather(first, 1);
    router.gather(second, 2);
    router.engine.settle(router.now);
    CHECK(router.verdicts[1].kind == Output::Kind::pass);
    CHECK(router.verdicts[2].kind == Output::Kind::pass);
    CHECK(router.count(Reason::kernel_refused) == 2);
    CHECK(totals(router.state).calls == 0);
}

TEST_CASE("P4 a packet without changes waits only behind one that waits") {
    Router router;
    CHECK_FALSE(router.gather(keep_alive, 1));
    const auto packet = invite(1);
    CHECK(router.gather(packet, 2));
    CHECK(router.gather(keep_alive, 3));
    router.engine.settle(router.now);
    CHECK(router.order == std::vector<std::uint64_t>{2, 3});
    CHECK_FALSE(router.gather(keep_alive, 4));
    CHECK(router.kernel.transactions.size() == 1);
}

TEST_CASE("P4 S2 a message that needs an answer of the kernel is decided after the group, alone") {
    Router router;
    router.kernel.port = 40000;
    const auto first = invite(1), asking = invite(5415, "203.0.113.1"), last = invite(2);
    CHECK(router.gather(first, 1));
    CHECK_FALSE(router.gather(asking, 2));
    CHECK(router.order == std::vector<std::uint64_t>{1});
    CHECK(router.kernel.transactions.size() == 2);
    CHECK(outward(router) == 2);
    const nat::MappingEntry* entry = router.state.mappings.find_public({Transport::udp, {wan, 14830}});
    REQUIRE(entry);
    CHECK(entry->mapping.inside.port == 40000);
    CHECK(router.gather(last, 3));
    router.engine.settle(router.now);
    CHECK(totals(router.state).calls == 3);
    CHECK(router.kernel.elements == router.expected());
}

TEST_CASE("P4 a message that is too long for a verdict does not stop the others") {
    Router router;
    const auto first = invite(1), second = invite(2);
    CHECK(router.gather(first, 1));
    CHECK_FALSE(router.gather(second, 2, 300));
    CHECK(router.verdicts[1].kind == Output::Kind::replace);
    CHECK(router.verdicts[2].kind == Output::Kind::pass);
    CHECK(router.count(Reason::too_long) == 1);
    CHECK(totals(router.state).calls == 1);
    CHECK(outward(router) == 2);
}

TEST_CASE("P4 O4 nothing is logged before the kernel has acknowledged it") {
    Router router;
    const test::CapturedLog log;
    router.kernel.before_answer = [&] { CHECK_FALSE(log.next()); };
    const auto first = invite(1), second = invite(2);
    router.gather(first, 1);
    router.gather(second, 2);
    router.engine.settle(router.now);
    CHECK(log.next());
    CHECK(log.next());
}
