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

}  // namespace

TEST_CASE("X7 every limit of the core has a row with its option and its use") {
    Policy policy;
    policy.max_calls = 100;
    const State state(policy);
    const auto all = limits(state, {6, 2, 70});
    CHECK(find(all, "calls").limit == 100);
    CHECK(find(all, "calls").option == "max-calls");
    for (const LimitRow& row : limit_rows) {
        CHECK(find(all, row.name).in_use == 0);
        CHECK(find(all, row.name).option == row.option);
    }
    CHECK(find(all, "control clients").in_use == 6);
    CHECK(find(all, "control clients").option.empty());
    CHECK(find(all, "readers of events and messages").in_use == 2);
    CHECK(find(all, "cached routes").in_use == 70);
}

TEST_CASE("X7 limits as JSON") {
    CHECK(to_json(std::vector<Limit>{{"calls", 10, 1, "refused", "max-calls"}, {"x", 2, 0, "waits", ""}})
              .dump() ==
          R"([{"name":"calls","limit":10,"in_use":1,"behaviour":"refused","option":"max-calls"},)"
          R"({"name":"x","limit":2,"in_use":0,"behaviour":"waits","option":null}])");
}
