#include "alg/ctl/screen.hpp"

#include <doctest/doctest.h>

using namespace sipalg::ctl;

namespace {

std::string shown(const Json& status, const Json& rows) {
    const Snapshot snapshot{status, rows, rows, rows, {}};
    return screen(snapshot, snapshot, {}, {});
}

}  // namespace

TEST_CASE("O1 watch shows documents of another shape as nothing to list") {
    const std::string nothing = shown(Json::object(), Json::array());
    CHECK(nothing.find("not serving; no warnings") == 0);
    CHECK(nothing.find("no calls") != std::string::npos);
    for (const Json& odd : {Json::object(), Json{{"calls", 3}}, Json("text"), Json(7), Json()})
        CHECK(shown({{"serving", "yes"}, {"warnings", 7}, {"counters", "none"}}, odd) == nothing);
}
