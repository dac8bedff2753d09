// Sequences of packets through the whole core: phones, peers, strangers and damaged messages.
// tests/cases/sequence.hpp has the steps, tests/cases/promises.hpp what must hold after each of them.
#include <cstdio>
#include <exception>

#include "tests/cases/sequence.hpp"
#include "tests/fuzz/inside.hpp"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    try {
        sipalg::test::Sequence sequence({data, size});
        sequence.play();
        sequence.end();
    } catch (const std::exception& error) {
        std::fprintf(stderr, "%s\n", error.what());
        sipalg::fuzz::require(false, "the core keeps its promises");
    }
    return 0;
}
