// Segments of TCP that wait together (P4), and their connections after a refusal (law 4).
#include <doctest/doctest.h>

#include <algorithm>
#include <utility>

#include "alg/tcp/segment.hpp"
#include "tests/unit/daemon/group_router.hpp"
#include "tests/unit/packets.hpp"

using namespace sipalg;
using tcp::Segment;
using test::Router;

namespace {

struct Sent {
    Side from;
    std::vector<std::uint8_t> packet;
};

/// Both ends of a connection. Neither acknowledges anything, so that the numbers that the daemon has edited
/// do not matter.
struct Ends {
    explicit Ends(std::uint16_t phone_port = 40000) : phone{*Address::parse("192.168.1.10"), phone_port} {}

    Sent segment(Side from, std::uint8_t flags, std::string_view payload) {
        std::uint32_t& next = from == Side::inside ? next_of_phone : next_of_peer;
        tcp::SegmentFields fields;
        fields.source = from == Side::inside ? phone : peer;
        fields.destination = from == Side::inside ? peer : phone;
        fields.sequence = next;
        fields.acknowledgement = from == Side::inside ? 1000 : 100;
        fields.window = 65535;
        fields.flags = flags;
        fields.payload = payload;
        next += static_cast<std::uint32_t>(payload.size()) + (flags & (Segment::syn | Segment::fin) ? 1 : 0);
        return {from, tcp::make_segment(fields)};
    }
    Sent say(std::string_view text) { return segment(Side::inside, Segment::ack, text); }
    Sent hear(std::string_view text) { return segment(Side::outside, Segment::ack, text); }
    /// The handshake and the first message, after which the connection is open.
    std::vector<Sent> opening();

    const Endpoint phone;
    const Endpoint peer = *Endpoint::parse("203.0.113.10:5060");
    std::uint32_t next_of_phone = 99, next_of_peer = 999;
};

/// An INVITE of call `number`, whose audio is at port 4000 + 2 * number.
std::string invite(int number) {
    const std::string body =
        "v=0\r\no=- 1 1 IN IP4 192.168.1.10\r\ns=-\r\nc=IN IP4 192.168.1.10\r\nt=0 0\r\nm=audio " +
        std::to_string(4000 + 2 * number) + " RTP/AVP 0\r\n";
    return "INVITE sip:bob@203.0.113.10 SIP/2.0\r\nVia: SIP/2.0/TCP 192.168.1.10:40000;branch=z9hG4bK" +
           std::to_string(number) +
           "\r\nFrom: <sip:alice@203.0.113.10>;tag=a\r\nTo: <sip:bob@203.0.113.10>\r\nCall-ID: " +
           std::to_string(number) +
           "@phone\r\nCSeq: 1 INVITE\r\nContact: <sip:alice@192.168.1.10:40000;transport=tcp>\r\n"
           "Content-Type: application/sdp\r\nContent-Length: " +
           std::to_string(body.size()) + "\r\n\r\n" + body;
}

/// The peer's answer to it.
std::string ringing(int number) {
    return "SIP/2.0 180 Ringing\r\nVia: SIP/2.0/TCP 203.0.113.1:40000;branch=z9hG4bK" +
           std::to_string(number) +
           "\r\nFrom: <sip:alice@203.0.113.10>;tag=a\r\nTo: <sip:bob@203.0.113.10>;tag=b\r\nCall-ID: " +
           std::to_string(number) +
           "@phone\r\nCSeq: 1 INVITE\r\nContact: <sip:bob@203.0.113.10:5060;transport=tcp>\r\n"
           "Content-Length: 0\r\n\r\n";
}

std::vector<Sent> Ends::opening() {
    std::vector<Sent> all;
    all.push_back(segment(Side::inside, Segment::syn, {}));
    all.push_back(segment(Side::outside, Segment::syn | Segment::ack, {}));
    all.push_back(segment(Side::inside, Segment::ack, {}));
    all.push_back(say(invite(50 + phone.port % 10)));
    return all;
}

void open(Router& router, Ends& ends) {
    for (const Sent& sent : ends.opening())
        router.handle(sent.packet, 0, sent.from);
    router.kernel.transactions.clear();
    router.verdicts.clear();
}

/// True: the packet waits.
bool gather(Router& router, const Sent& sent, std::uint64_t token) {
    return router.gather(sent.packet, token, 65531, sent.from);
}

/// The records in the kernel without their ids, of which a refused group leaves out some.
std::multiset<std::string> records(const Router& router) {
    std::multiset<std::string> all;
    for (const Element& element : router.kernel.elements)
        if (const auto* record = std::get_if<Record>(&element)) all.insert(record->bytes);
    return all;
}

const tcp::Usage::Counts& usage(const Router& router) {
    return router.state.connections.usage().total();
}

/// Reads of the queue as groups, and the same packets one by one in front of a kernel that refuses the same
/// port.
void compare(const std::vector<std::vector<Sent>>& reads, std::uint16_t refused_port) {
    Router alone, group;
    alone.kernel.refused_port = group.kernel.refused_port = refused_port;
    std::uint64_t token = 0;
    for (const std::vector<Sent>& read : reads) {
        for (const Sent& sent : read) {
            alone.handle(sent.packet, ++token, sent.from);
            gather(group, sent, token);
        }
        group.engine.settle(group.now);
        CHECK(alone.verdicts == group.verdicts);
    }
    CHECK(alone.injected == group.injected);
    CHECK(alone.engine.counters() == group.engine.counters());
    CHECK(group.kernel.elements == group.expected());
    CHECK(records(alone) == records(group));
    CHECK(totals(alone.state).calls == totals(group.state).calls);
    CHECK(usage(alone).connections == usage(group).connections);
    CHECK(usage(alone).memory == usage(group).memory);
    CHECK(usage(alone).queued == usage(group).queued);
    CHECK(alone.state.connections.deadlines() == group.state.connections.deadlines());
    CHECK(alone.state.next_deadline() == group.state.next_deadline());
    alone.state.flows.each([&](const FlowEntry& entry) {
        const FlowEntry* same = group.state.flows.find(entry.key);
        REQUIRE(same);
        CHECK(entry.outward == same->outward);
        CHECK(entry.inward == same->inward);
    });
}

}  // namespace

TEST_CASE("P4 T4 messages of a connection that wait together share one transaction, and leave after it") {
    Router router;
    Ends ends;
    open(router, ends);
    router.kernel.before_answer = [&] { CHECK(router.verdicts.empty()); };
    std::vector<Sent> sent;
    for (int number = 1; number <= 8; ++number) {
        sent.push_back(ends.say(invite(number)));
        sent.push_back(ends.hear(ringing(number)));
    }
    for (std::size_t i = 0; i < sent.size(); ++i)
        CHECK(gather(router, sent[i], i + 1));
    CHECK(router.kernel.transactions.empty());
    router.engine.settle(router.now);
    CHECK(router.kernel.transactions.size() == 1);
    CHECK(router.kernel.elements == router.expected());
    REQUIRE(router.order.size() == 16);
    CHECK(std::is_sorted(router.order.begin(), router.order.end()));
    // Without a gap in the numbers that the peer sees.
    std::optional<std::uint32_t> expected;
    for (std::uint64_t token = 1; token <= 16; token += 2) {
        const test::Verdict& verdict = router.verdicts[token];
        REQUIRE(verdict.kind == Output::Kind::replace);
        CHECK(verdict.payload.find("c=IN IP4 203.0.113.1\r\n") != std::string::npos);
        const auto segment = tcp::parse_segment(verdict.packet, *parse_packet(verdict.packet));
        if (expected) CHECK(segment->sequence == *expected);
        expected = segment->sequence + static_cast<std::uint32_t>(verdict.payload.size());
    }
}

TEST_CASE(
    "P4 law 4: after a refusal the connections of a group are as before, and each segment is decided alone") {
    for (int refused = 0; refused <= 6; ++refused) {
        Ends first, second(40001);
        std::vector<std::vector<Sent>> reads{first.opening(), second.opening(), {}, {}};
        for (const int number : {1, 3, 5}) {
            reads[2].push_back(first.say(invite(number)));
            reads[2].push_back(second.say(invite(number + 1)));
            reads[2].push_back(first.hear(ringing(number)));
            reads[2].push_back(second.segment(Side::outside, Segment::ack, {}));
        }
        reads[3] = {first.say(invite(7)), second.say(invite(8)), first.hear(ringing(7))};
        compare(reads, static_cast<std::uint16_t>(refused == 0 ? 0 : 4000 + 2 * refused));
    }
}

TEST_CASE("P4 T1 an incomplete message in a group waits for its rest, also after a refusal") {
    for (const int refused : {0, 4002, 4004, 4006, 4012, 4014, 4016}) {
        Ends first, second(40001);
        const std::string text = invite(2);
        std::vector<std::vector<Sent>> reads{first.opening(), second.opening(), {}, {}, {}};
        reads[2] = {second.say(invite(1)), first.say(text.substr(0, 300)), second.say(invite(3))};
        reads[3] = {second.say(invite(4)), first.say(text.substr(300)), first.say(invite(5))};
        const std::string last = invite(6);
        reads[4] = {first.say(last.substr(0, 300)), second.say(invite(7)), first.say(last.substr(300, 50)),
                    first.say(last.substr(350) + invite(8)), first.hear(ringing(6))};
        compare(reads, static_cast<std::uint16_t>(refused));
    }
    Router router;
    Ends ends;
    open(router, ends);
    const Sent whole = ends.say(invite(1)), part = ends.say(invite(2).substr(0, 300));
    CHECK(gather(router, whole, 1));
    CHECK(gather(router, part, 2));
    router.engine.settle(router.now);
    CHECK(router.order == std::vector<std::uint64_t>{1});
    const Sent rest = ends.say(invite(2).substr(300));
    CHECK(gather(router, rest, 3));
    router.engine.settle(router.now);
    CHECK(router.order == std::vector<std::uint64_t>{1, 2, 3});
    // In one read, it shares the transaction of the next message.
    const Sent begin = ends.say(invite(3).substr(0, 300)), end = ends.say(invite(3).substr(300));
    const Sent next = ends.say(invite(4));
    router.kernel.transactions.clear();
    CHECK(gather(router, begin, 4));
    CHECK(gather(router, end, 5));
    CHECK(gather(router, next, 6));
    router.engine.settle(router.now);
    CHECK(router.order == std::vector<std::uint64_t>{1, 2, 3, 4, 5, 6});
    CHECK(router.kernel.transactions.size() == 1);
}

TEST_CASE("P4 a segment that begins or ends a connection is decided alone, after those that wait") {
    Router router;
    Ends ends, other(40001);
    open(router, ends);
    const Sent waiting = ends.say(invite(1));
    CHECK(gather(router, waiting, 1));
    std::uint64_t token = 1;
    for (const Sent& sent : other.opening())
        CHECK_FALSE(gather(router, sent, ++token));
    CHECK(router.order.front() == 1);
    const Sent again = ends.say(invite(2)),
               last = ends.segment(Side::inside, Segment::ack | Segment::fin, {});
    CHECK(gather(router, again, 10));
    CHECK_FALSE(gather(router, last, 11));
    CHECK(router.order.back() == 10);
    CHECK(router.kernel.elements == router.expected());
}

TEST_CASE("P4 a bare acknowledgement waits only behind a segment that waits") {
    Router router;
    Ends ends;
    open(router, ends);
    const Sent bare = ends.segment(Side::outside, Segment::ack, {}), message = ends.say(invite(1));
    CHECK_FALSE(gather(router, bare, 1));
    CHECK(gather(router, message, 2));
    CHECK(gather(router, bare, 3));
    router.engine.settle(router.now);
    CHECK(router.order == std::vector<std::uint64_t>{2, 3});
}

TEST_CASE("P4 segments and datagrams that wait together share one transaction") {
    Router router;
    Ends ends;
    open(router, ends);
    const auto segment = test::tcp_packet("192.168.1.10:5062", "203.0.113.10:5060", "");
    const auto datagram = test::udp_packet("192.168.1.10:5060", "203.0.113.10:5060", invite(1));
    const auto another = test::udp_packet("192.168.1.10:5060", "203.0.113.10:5060", invite(3));
    const Sent message = ends.say(invite(2));
    CHECK(router.gather(datagram, 1));
    CHECK(gather(router, message, 2));
    router.engine.settle(router.now);
    CHECK(router.order == std::vector<std::uint64_t>{1, 2});
    CHECK(router.kernel.transactions.size() == 1);
    // Of a connection that is not read.
    CHECK(router.gather(another, 3));
    router.gather(segment, 4);
    CHECK(router.order == std::vector<std::uint64_t>{1, 2, 3});
}
