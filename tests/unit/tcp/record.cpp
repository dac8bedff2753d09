// T4 A5: the record of a connection in the kernel, piece by piece.
#include "alg/kernel/record.hpp"

#include <map>

#include "alg/core/stream_sink.hpp"
#include "alg/tcp/connection.hpp"
#include "alg/tcp/read_record.hpp"
#include "tests/unit/tcp/stream_bench.hpp"

using namespace sipalg;
using namespace sipalg::tcp;

namespace {

const auto size = static_cast<std::uint32_t>(message.size());

/// A connection on which the phone sends messages, and the pieces that the kernel has.
struct Recorded {
    Recorded() { bench.open(); }
    /// The phone sends a message. Returns the number of pieces that were written.
    std::size_t send() {
        bench.send(Side::inside, Segment::ack, 100 + sent++ * size, 1000, message);
        return apply();
    }
    /// The peer acknowledges all.
    void acknowledge() {
        const auto out = static_cast<std::uint32_t>(100 + sent * as_outside(message).size());
        bench.send(Side::outside, Segment::ack, 1000, out, {});
    }
    std::size_t apply() {
        std::size_t written = 0;
        for (const Change& change : bench.decision.changes) {
            const auto* record = std::get_if<Record>(&change.element);
            if (!record) continue;
            CHECK(record->bytes.size() <= Record::max_bytes);
            CHECK((change.op == Change::Op::add) != kernel.contains(record->part));
            if (change.op == Change::Op::remove) {
                kernel.erase(record->part);
            } else {
                kernel[record->part] = record->bytes;
                ++written;
            }
        }
        return written;
    }
    std::string joined(std::size_t without = 99'999) const {
        std::string all;
        std::size_t i = 0;
        for (const auto& [part, bytes] : kernel)
            if (i++ != without) all += bytes;
        return all;
    }
    const Connection& connection() const { return bench.state.connections.all().begin()->second; }

    Bench bench;
    std::map<std::uint32_t, std::string> kernel;
    std::uint32_t sent = 0;
};

void check_same(const Connection& read, const Connection& written) {
    CHECK(read.key == written.key);
    CHECK(read.opener == written.opener);
    for (const Side side : {Side::inside, Side::outside}) {
        const Direction &a = read.direction(side), &b = written.direction(side);
        CHECK(a.initial() == b.initial());
        CHECK(a.parsed() == b.parsed());
        CHECK(a.acknowledged_out() == b.acknowledged_out());
        CHECK(a.mss == b.mss);
        CHECK(a.spoke_sip == b.spoke_sip);
        CHECK(a.map().length() == b.map().length());
        REQUIRE(a.map().edits().size() >= b.map().edits().size());
        CHECK(std::equal(b.map().edits().rbegin(), b.map().edits().rend(), a.map().edits().rbegin()));
        CHECK(a.map().out(a.parsed()) == b.map().out(b.parsed()));
    }
}

// A record of the layout with this first byte: an edit in each direction, 7 bytes grown in the direction of
// the phone.
std::string old_record(std::uint8_t layout) {
    RecordWriter out;
    out.number(layout, 1);
    out.endpoint(*Endpoint::parse("192.168.1.10:40000"));
    out.endpoint(*Endpoint::parse("203.0.113.10:5060"));
    out.address(*Address::parse("203.0.113.1"));
    out.address(*Address::parse("203.0.113.1"));
    if (layout == 0xd2) out.number(0, 1);
    for (const std::uint32_t initial : {99U, 999U}) {
        out.number(initial, 4);
        out.number(400, 8);
        out.number(350, 8);
        out.number(0, 8);
        out.number(initial == 99 ? 7 : 0, 8);
        out.number(1460, 2);
        out.number(7, 1);
        out.number(layout == 0xd2 ? 4 : 0, 1);
        out.number(1, 2);
        out.number(200, 4);
        out.number(120, 4);
        out.text(std::string(120, 'x'));
    }
    return out.take();
}

}  // namespace

TEST_CASE("P4 T4 a message writes its own edits, not those of the messages before it") {
    Recorded recorded;
    recorded.send();
    for (int i = 0; i < 100; ++i)
        CHECK(recorded.send() <= 2);
    CHECK(recorded.kernel.size() > 10);
    const auto read = read_record(recorded.joined(), recorded.bench.now);
    REQUIRE(read);
    check_same(*read, recorded.connection());
    CHECK(recorded.connection().record.stored() == recorded.joined());
}

TEST_CASE("T4 pieces of which the receiver has all bytes are removed, and the numbers stay") {
    Recorded recorded;
    for (int i = 0; i < 100; ++i)
        recorded.send();
    recorded.acknowledge();
    recorded.send();
    CHECK(recorded.kernel.size() <= 3);
    const auto read = read_record(recorded.joined(), recorded.bench.now);
    REQUIRE(read);
    check_same(*read, recorded.connection());
}

TEST_CASE("T4 a record without one of its pieces, or with half of one, is not read") {
    Recorded recorded;
    for (int i = 0; i < 20; ++i)
        recorded.send();
    const std::string whole = recorded.joined();
    REQUIRE(recorded.kernel.size() > 4);
    // The last is the newest. Without it the record is that of an earlier time.
    for (std::size_t i = 0; i + 1 < recorded.kernel.size(); ++i)
        CHECK_FALSE(read_record(recorded.joined(i), recorded.bench.now));
    const std::size_t newest = recorded.kernel.rbegin()->second.size();
    for (std::size_t length = whole.size() - newest + 1; length < whole.size(); ++length)
        CHECK_FALSE(read_record(std::string_view(whole).substr(0, length), recorded.bench.now));
}

TEST_CASE("law 4 T4 a refused record leaves the pieces as they were") {
    Recorded recorded;
    for (int i = 0; i < 30; ++i) {
        recorded.send();
        if (i % 10 == 5) recorded.acknowledge();
        const std::string before = recorded.connection().record.stored();
        recorded.bench.refuse = true;
        recorded.bench.send(Side::inside, Segment::ack, 100 + recorded.sent * size, 1000,
                            "\r\n\r\n" + message.substr(4));
        recorded.bench.refuse = false;
        ++recorded.sent;
        CHECK(recorded.connection().record.stored() == before);
        CHECK(before == recorded.joined());
        if (i > 3) break;
    }
}

TEST_CASE("T4 pieces are written again before they expire") {
    Recorded recorded;
    for (int i = 0; i < 20; ++i)
        recorded.send();
    CHECK(recorded.send() <= 2);
    recorded.bench.now += Time{12 * 3600 * 1000};
    CHECK(recorded.send() == recorded.kernel.size());
    CHECK(recorded.send() <= 2);
    const auto read = read_record(recorded.joined(), recorded.bench.now);
    REQUIRE(read);
    check_same(*read, recorded.connection());
}

TEST_CASE("T4 a text that is longer than a piece is recorded in parts") {
    Recorded recorded;
    const std::string bytes(3000, 'x');
    Connection connection(
        {recorded.connection().key, recorded.connection().egress, true, false, Side::inside, {}, {}},
        recorded.bench.now);
    connection.from_phone.receive(0, bytes, false);
    connection.from_phone.stop_reading();
    connection.from_phone.plan(10, 20, std::string(1000, 'a'));
    connection.from_phone.plan(30, 31, "b");
    StreamSink sink(recorded.bench.state, recorded.bench.decision);
    std::vector<Change> changes;
    connection.record.update(connection, sink, recorded.bench.now, changes);
    connection.record.conclude(true);
    connection.from_phone.settle(true);
    for (const Change& change : changes)
        if (const auto* record = std::get_if<Record>(&change.element))
            CHECK(record->bytes.size() <= Record::max_bytes);
    const auto read = read_record(connection.record.stored(), recorded.bench.now);
    REQUIRE(read);
    CHECK(read->from_phone.map().edits() == connection.from_phone.map().edits());
    CHECK(read->from_phone.map().length() == connection.from_phone.map().length());
}

TEST_CASE("A5 T4 a record of an older layout is read, and the next message replaces it") {
    for (const std::uint8_t layout : {std::uint8_t{0xd1}, std::uint8_t{0xd2}}) {
        const std::string old = old_record(layout);
        const auto read = read_record(old, Time{1'000'000});
        REQUIRE(read);
        CHECK(read->opener == Side::inside);
        CHECK(read->from_phone.spoke_sip);
        CHECK(read->from_phone.map().length() == 7);
        CHECK(read->from_phone.map().edits().size() == 1);
        for (std::size_t length = 0; length < old.size(); ++length)
            CHECK_FALSE(read_record(std::string_view(old).substr(0, length), Time{1'000'000}));
        Bench bench;
        const std::vector<StoredElement> stored{
            {Record{5, 0, old.substr(0, Record::max_bytes)}, Seconds{1000}},
            {Record{5, 1, old.substr(Record::max_bytes)}, Seconds{1000}}};
        CHECK(bench.state
                  .restore(
                      stored, [](const Address& address) { return address; }, bench.now)
                  .empty());
        REQUIRE(bench.state.connections.all().size() == 1);
        const Connection& connection = bench.state.connections.all().begin()->second;
        CHECK(connection.record.stored() == old);
        bench.send(Side::inside, Segment::ack, 500, 1400, message);
        std::size_t removed = 0;
        for (const Change& change : bench.decision.changes)
            if (change.op == Change::Op::remove) ++removed;
        CHECK(removed == 2);
        const auto again = read_record(connection.record.stored(), bench.now);
        REQUIRE(again);
        check_same(*again, connection);
    }
}
