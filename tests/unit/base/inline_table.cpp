#include "alg/base/inline_table.hpp"

#include <doctest/doctest.h>

using sipalg::InlineTable;

TEST_CASE("X7: a table accepts values up to its capacity") {
    InlineTable<int, 3> table;
    CHECK(table.size() == 0);
    CHECK(table.all().empty());
    for (int i = 0; i < 3; ++i) {
        int* added = table.add(i * 10);
        REQUIRE(added);
        CHECK(*added == i * 10);
    }
    CHECK(table.full());
    CHECK(table.add(30) == nullptr);
    CHECK(table.size() == 3);
    table[1] = 11;
    CHECK(table.all()[1] == 11);
    CHECK(table.back() == 20);
    table.clear();
    CHECK(table.size() == 0);
    CHECK(!table.full());
}

TEST_CASE("X7: a part of a table never exceeds the table") {
    InlineTable<int, 4> table;
    table.add(1);
    table.add(2);
    CHECK(table.part(0, 2).size() == 2);
    CHECK(table.part(1, 5).size() == 1);
    CHECK(table.part(1, 5)[0] == 2);
    CHECK(table.part(2, 1).empty());
    CHECK(table.part(9, 9).empty());
}

TEST_CASE("X7: copies of a table are independent") {
    InlineTable<int, 4> table;
    table.add(1);
    InlineTable<int, 4> copy = table;
    copy.add(2);
    CHECK(table.size() == 1);
    CHECK(copy.all()[0] == 1);
    table = copy;
    CHECK(table.all()[1] == 2);
    InlineTable<int, 4>& same = table;
    table = same;
    CHECK(table.size() == 2);
}
