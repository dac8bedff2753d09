#include "alg/daemon/run/flow_reader.hpp"

#include <doctest/doctest.h>
#include <poll.h>

#include <atomic>
#include <csignal>
#include <stdexcept>
#include <thread>

using namespace sipalg;
using namespace sipalg::daemon;

namespace {

ConntrackEntry flow(std::size_t number) {
    ConntrackEntry seen;
    seen.original_source.port = static_cast<std::uint16_t>(number);
    return seen;
}

bool readable(const FlowReader& reader, int milliseconds) {
    pollfd wait{reader.descriptor(), POLLIN, 0};
    return poll(&wait, 1, milliseconds) == 1;
}

/// Everything of one reading, in order; `count` is a plain number that the reader's thread uses, too: what is
/// written before begin() is seen by the reading, what the reading writes is seen with its last piece.
struct Table {
    std::size_t count = 0;
    std::size_t readings = 0;
    FlowReader reader{[this](const FlowReader::Request&, const auto& each) {
        ++readings;
        for (std::size_t i = 0; i < count; ++i)
            each(flow(i));
        if (count == 0) throw std::runtime_error("no conntrack");
        return true;
    }};
};

}  // namespace

TEST_CASE("C12: a table of any size is passed on in order, and the last piece has the outcome") {
    Table table;
    std::size_t readings = 0;
    for (const std::size_t size : {1U, 255U, 256U, 257U, 3000U, 20000U}) {
        table.count = size;
        table.reader.begin({});
        CHECK(table.reader.reading());
        std::size_t next = 0;
        while (table.reader.reading()) {
            // The caller has a loop: it waits by poll() as well as here.
            if (next % 2 == 1) REQUIRE(readable(table.reader, 5000));
            for (const ConntrackEntry& seen : table.reader.wait().flows)
                if (seen.original_source.port == static_cast<std::uint16_t>(next)) ++next;
        }
        CHECK(next == size);
        CHECK(table.readings == ++readings);
        CHECK_FALSE(readable(table.reader, 0));
        CHECK_FALSE(table.reader.take());
    }
}

TEST_CASE("a failed read has a reason, and the next one can succeed") {
    Table table;
    table.reader.begin({});
    const FlowReader::Piece failed = table.reader.wait();
    CHECK(failed.last);
    CHECK(failed.failure == "no conntrack");
    CHECK(failed.flows.empty());
    table.count = 1;
    table.reader.begin({});
    const FlowReader::Piece good = table.reader.wait();
    CHECK(good.last);
    CHECK(good.failure.empty());
    CHECK(good.flows.size() == 1);
}

TEST_CASE("a reader can be destroyed before, during and after a read") {
    { const Table idle; }
    Table table;
    table.count = 100'000;
    table.reader.begin({});
    REQUIRE(readable(table.reader, 5000));
    CHECK(table.reader.take());
}

TEST_CASE("the reader's thread blocks signals") {
    std::atomic<bool> blocked{false};
    FlowReader reader{[&](const FlowReader::Request&, const auto&) {
        sigset_t mask;
        pthread_sigmask(SIG_SETMASK, nullptr, &mask);
        blocked = sigismember(&mask, SIGTERM) == 1;
        return true;
    }};
    reader.begin({});
    CHECK(reader.wait().last);
    CHECK(blocked);
    sigset_t mask;
    pthread_sigmask(SIG_SETMASK, nullptr, &mask);
    CHECK(sigismember(&mask, SIGTERM) == 0);
}
