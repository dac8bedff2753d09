#include "alg/daemon/run/latency.hpp"

#include <doctest/doctest.h>

using sipalg::daemon::Latency;
using namespace std::chrono_literals;

TEST_CASE("O6 latencies are counted in buckets that include their upper end") {
    Latency one, all;
    one.note(0us, 1);
    one.note(50us, 2);
    one.note(50001ns, 3);
    one.note(2s, 4);
    all.add(one);
    all.add(one);
    CHECK(all.counts()[0] == 6);
    CHECK(all.counts()[1] == 6);
    CHECK(all.counts().back() == 8);
    CHECK(all.sum() == 2 * (100us + 150003ns + 8s));
}
