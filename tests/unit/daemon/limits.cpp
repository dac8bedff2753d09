#include "alg/daemon/control/limits.hpp"

#include <doctest/doctest.h>

#include <algorithm>

using namespace sipalg;
using namespace sipalg::daemon;

namespace {

const Limit& find(const std::vector<Limit>& all, const std::string& name) {
    const auto it =
        std::find_if(all.begin(), all.end(), [&](const Limit& limit) { return limit.name == name; });
    REQUIRE(it != all.end());
    return *it;
}

CallReport call_of(const char* phone, const char* peer) {
    CallReport report;
    report.phone = phone;
    report.peer = peer;
    return report;
}

}  // namespace

TEST_CASE("X7 limits show totals, and for shares the phone or peer that uses most") {
    Policy policy;
    policy.max_calls = 100;
    Totals totals;
    totals.calls = 3;
    const std::vector<CallReport> calls{call_of("192.168.1.10", "203.0.113.1"),
                                        call_of("192.168.1.10", "203.0.113.2"),
                                        call_of("192.168.1.11", "203.0.113.1")};
    const auto all = limits(policy, totals, calls, {}, {}, {4, 5, 6});
    CHECK(find(all, "calls").limit == 100);
    CHECK(find(all, "calls").in_use == 3u);
    CHECK(find(all, "calls of a phone").in_use == 2u);
    CHECK(find(all, "calls of a peer").in_use == 2u);
    CHECK(find(all, "bindings of a phone").in_use == 0u);
    CHECK_FALSE(find(all, "mappings of a phone").in_use);
    CHECK(find(all, "packets that wait for conntrack").in_use == 4u);
    CHECK(find(all, "queued TCP segments").in_use == 5u);
    CHECK(find(all, "control clients").in_use == 6u);
}

TEST_CASE("X7 limits as JSON") {
    CHECK(to_json(std::vector<Limit>{{"calls", 10, 1, "refused"}, {"x", 2, std::nullopt, "waits"}}).dump() ==
          R"([{"name":"calls","limit":10,"in_use":1,"behaviour":"refused"},)"
          R"({"name":"x","limit":2,"in_use":null,"behaviour":"waits"}])");
}
