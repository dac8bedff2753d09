#include "alg/sys/queue_table.hpp"

#include <doctest/doctest.h>

#include <sstream>

using namespace sipalg;

TEST_CASE("the kernel's table of queues is read, without rows that are incomplete") {
    std::istringstream table(
        " 5060   2211     3 2 65531     7     2      998  1\n"
        " 5061   2212\n"
        " 5062   2213     0 2   256     0     0        1  1\n");
    const auto rows = read_queue_table(table);
    REQUIRE(rows.size() == 2);
    CHECK(rows[0].number == 5060);
    CHECK(rows[0].waiting == 3);
    CHECK(rows[0].full_queue == 7);
    CHECK(rows[0].full_socket == 2);
    CHECK(rows[1].number == 5062);
}
