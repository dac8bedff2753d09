#include "alg/base/result.hpp"

#include <doctest/doctest.h>

#include <string>

using sipalg::Failure;
using sipalg::Result;

namespace {

Result<> allow(bool allowed) {
    if (!allowed) return Failure{"not allowed"};
    return {};
}

Result<int> half(int number) {
    if (number % 2 != 0) return Failure{std::to_string(number) + " is odd"};
    return number / 2;
}

}  // namespace

TEST_CASE("a result is a success or has an error") {
    CHECK(allow(true));
    const auto refused = allow(false);
    REQUIRE_FALSE(refused);
    CHECK(refused.error() == "not allowed");
    CHECK_THROWS(allow(true).error());
}

TEST_CASE("a result with a value has the value or an error") {
    const auto value = half(4);
    REQUIRE(value);
    CHECK(*value == 2);
    const auto none = half(3);
    REQUIRE_FALSE(none);
    CHECK(none.error() == "3 is odd");
    CHECK_THROWS(*none);
}
