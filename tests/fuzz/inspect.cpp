// The whole core: a sequence of messages of both directions, time, refusals and restarts, read from the
// input. tests/cases/invariants.hpp has the invariants after each step; at the end no state may remain.
#include <cstdio>
#include <exception>

#include "tests/cases/traffic.hpp"
#include "tests/fuzz/inside.hpp"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    sipalg::test::Traffic traffic({data, size});
    try {
        traffic.play();
        traffic.end();
    } catch (const std::exception& error) {
        std::fprintf(stderr, "%s\n", error.what());
        sipalg::fuzz::require(false, "the core keeps its promises");
    }
    return 0;
}
