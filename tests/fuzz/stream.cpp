// TCP: two connections whose segments, clock, kernel and restarts are read from the input.
// tests/stream/segment_traffic.hpp has the invariants.
#include <cstdio>
#include <exception>

#include "tests/fuzz/inside.hpp"
#include "tests/stream/segment_traffic.hpp"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    try {
        sipalg::test::SegmentTraffic traffic({data, size});
        traffic.play();
        traffic.end();
    } catch (const std::exception& error) {
        std::fprintf(stderr, "%s\n", error.what());
        sipalg::fuzz::require(false, "connections keep their promises");
    }
    return 0;
}
