#include "alg/base/similar.hpp"

#include <doctest/doctest.h>

#include <array>

using namespace sipalg;

TEST_CASE("the edit distance counts insertions, deletions and replacements") {
    CHECK(edit_distance("", "") == 0);
    CHECK(edit_distance("calls", "calls") == 0);
    CHECK(edit_distance("cals", "calls") == 1);
    CHECK(edit_distance("callls", "calls") == 1);
    CHECK(edit_distance("celts", "calls") == 2);
    CHECK(edit_distance("", "abc") == 3);
}

TEST_CASE("the most similar word is found, or none if no word is similar") {
    constexpr std::array<std::string_view, 3> words{"status", "call", "calls"};
    CHECK(most_similar("calls", words) == "calls");
    CHECK(most_similar("cals", words) == "call");
    CHECK(most_similar("stats", words) == "status");
    CHECK(most_similar("CALLS", words) == "calls");
    CHECK_FALSE(most_similar("juggle", words));
    CHECK_FALSE(most_similar("x", words));
    CHECK_FALSE(most_similar("", words));
}
