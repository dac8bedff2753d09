// Random walks through calls and registrations: the fuzz target's traffic with fixed seeds.
#include <doctest/doctest.h>

#include <random>

#include "tests/cases/traffic.hpp"

namespace sipalg {

TEST_CASE("C1 C10 C11 X7 X8 state and kernel agree after random traffic, and in the end both are empty") {
    for (unsigned seed = 1; seed <= 400; ++seed) {
        std::mt19937 random(seed);
        std::vector<std::uint8_t> bytes(60 + 8 * seed % 2000);
        for (std::uint8_t& byte : bytes)
            byte = static_cast<std::uint8_t>(random());
        test::Traffic traffic(bytes);
        INFO("seed ", seed);
        CHECK_NOTHROW(traffic.play());
        CHECK_NOTHROW(traffic.end());
    }
}

}  // namespace sipalg
