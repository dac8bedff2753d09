#include "alg/daemon/run/memory_return.hpp"

#include <doctest/doctest.h>

namespace sipalg::daemon {

TEST_CASE("P5 memory is given back each time the tables have fallen to half of their peak") {
    int times = 0;
    MemoryReturn memory([&] { ++times; });
    for (std::size_t entries : {0U, 255U, 0U, 100U})
        memory.note(entries);
    CHECK(times == 0);
    memory.note(10'000);
    memory.note(5'001);
    CHECK(times == 0);
    memory.note(5'000);
    CHECK(times == 1);
    memory.note(4'999);  // the same again: no use
    memory.note(2'501);
    CHECK(times == 1);
    memory.note(2'500);
    CHECK(times == 2);
    for (std::size_t entries = 2'500; entries > 0; --entries)
        memory.note(entries);
    CHECK(times == 6);  // 1250, 625, 312, 156: what is left is too small
    memory.note(300);
    memory.note(150);
    CHECK(times == 7);
}

}  // namespace sipalg::daemon
