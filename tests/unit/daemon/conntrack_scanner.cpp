#include "alg/daemon/run/conntrack_scanner.hpp"

#include <doctest/doctest.h>
#include <poll.h>

#include <atomic>
#include <stdexcept>
#include <thread>

#include "alg/core/state.hpp"

using namespace sipalg;
using namespace sipalg::daemon;

namespace {

const Address wan = *Address::parse("203.0.113.1");

ConntrackEntry flow(std::uint16_t port) {
    const Endpoint peer = *Endpoint::parse("203.0.113.10:30000");
    ConntrackEntry seen;
    seen.original_source = {*Address::parse("192.168.1.10"), port};
    seen.original_destination = seen.reply_source = peer;
    seen.reply_destination = {wan, port};
    return seen;
}

/// A scanner with a fake table of flows.
struct Fixture {
    std::vector<ConntrackEntry> table;
    std::atomic<bool> broken{false};
    State state{Policy{}};
    std::vector<FlowReader::Request> requests;  ///< read after the last piece
    bool complete = true;
    FlowReader reader{[this](const FlowReader::Request& request, const auto& each) {
        requests.push_back(request);
        for (const ConntrackEntry& seen : table)
            each(seen);
        if (broken) throw std::runtime_error("no conntrack");
        return complete;
    }};
    std::vector<ConntrackTuple> erased;
    ConntrackScanner scanner{
        state, reader,
        [this](std::span<const ConntrackTuple> flows) { erased.assign(flows.begin(), flows.end()); },
        [](std::span<const Event>, Time) {}};
    Time now{1'000'000};

    bool readable(int milliseconds) {
        pollfd wait{reader.descriptor(), POLLIN, 0};
        return poll(&wait, 1, milliseconds) == 1;
    }
    void finish() {
        while (reader.reading()) {
            REQUIRE(readable(5000));
            scanner.readable(now);
        }
    }
    void open_and_close() {
        std::vector<Change> changes;
        nat::Mappings& mappings = state.mappings;
        const nat::MappingKey key{{Transport::udp, flow(16000).original_source}, wan};
        mappings.map(key.inside, {wan, wan}, {}, now, changes);
        mappings.acquire(key, now + Time{1000}, now, changes);
        mappings.release(key, now, changes);
        state.commit();
    }
};

}  // namespace

TEST_CASE("the next scan begins 600 ms after the beginning of a short one") {
    ScanBudget budget;
    CHECK(budget.next() <= Time(0));
    budget.began(Time(10'000));
    budget.ended(std::chrono::microseconds(900));
    CHECK(budget.next() == Time(10'600));
}

TEST_CASE("long scans take at most a tenth of the time") {
    ScanBudget budget;
    budget.began(Time(10'000));
    budget.ended(std::chrono::milliseconds(150));
    CHECK(budget.next() == Time(11'500));
}

TEST_CASE("C7 the flows of closed mappings are deleted at the end of the scan") {
    Fixture f;
    f.table = {flow(16000), flow(17000)};
    CHECK_FALSE(f.scanner.advance(f.now));
    CHECK_FALSE(f.reader.reading());
    f.open_and_close();
    f.scanner.advance(f.now);
    CHECK(f.reader.reading());
    f.finish();
    REQUIRE(f.erased.size() == 1);
    CHECK(f.erased[0].source.port == 16000);
}

TEST_CASE("C12 the first scan is complete when it returns, for any number of flows") {
    Fixture f;
    for (std::uint16_t port = 1024; port < 9000; ++port) {
        f.table.push_back(flow(port));
        f.table.back().original_source.address = Address::v4(0xC0A8010AU + port % 10);
    }
    f.scanner.first(f.now);
    CHECK_FALSE(f.reader.reading());
    CHECK_FALSE(f.readable(0));
    CHECK(f.state.mappings.existing_nat().find_public({Transport::udp, {wan, 8999}}));
}

TEST_CASE("P5 after the first scan, only the flows of phones are read") {
    Fixture f;
    f.table = {flow(16000), flow(17000), flow(5060)};
    f.table[1].original_source.address = *Address::parse("192.168.1.99");
    f.table[2].original_destination.port = f.table[2].reply_source.port = 5060;
    f.scanner.first(f.now);
    REQUIRE(f.requests.size() == 1);
    CHECK(f.requests[0].whole);
    f.table.pop_back();
    f.now += Time(10'000);
    f.open_and_close();
    f.scanner.advance(f.now);
    f.finish();
    REQUIRE(f.requests.size() == 2);
    CHECK_FALSE(f.requests[1].whole);
    // The first flow comes before the signalling of its host.
    REQUIRE(f.requests[1].known.size() == 2);
    CHECK(f.requests[1].known[0].source.port == 5060);
    CHECK(f.requests[1].known[1].source.port == 16000);
    CHECK(f.erased.size() == 1);
    // What has ended, or was deleted, is asked about no more.
    f.table = {flow(16001)};
    for (const std::size_t known : {1U, 1U}) {
        f.now += Time(10'000);
        f.open_and_close();
        f.scanner.advance(f.now);
        f.finish();
        CHECK(f.requests.back().known.size() == known);
    }
    CHECK(f.requests.back().known[0].source.port == 16001);
}

TEST_CASE("C7 if flows may be missing, the whole table is read") {
    Fixture f;
    f.table = {flow(5060)};
    f.scanner.first(f.now);
    f.complete = false;
    for (const bool whole : {false, true}) {
        f.now += Time(10'000);
        f.open_and_close();
        f.scanner.advance(f.now);
        f.finish();
        CHECK(f.requests.back().whole == whole);
    }
}

TEST_CASE("C7 a failed scan is repeated") {
    Fixture f;
    f.table = {flow(16000)};
    f.broken = true;
    f.open_and_close();
    f.scanner.advance(f.now);
    f.finish();
    CHECK(f.erased.empty());
    f.broken = false;
    f.now += Time(10'000);
    f.scanner.advance(f.now);
    f.finish();
    CHECK(f.erased.size() == 1);
}

TEST_CASE("a reader ends while its pieces wait") {
    Fixture f;
    for (int i = 0; i < 20'000; ++i)
        f.table.push_back(flow(static_cast<std::uint16_t>(i)));
    f.open_and_close();
    f.scanner.advance(f.now);
    CHECK(f.readable(5000));  // and its queue runs full
}
