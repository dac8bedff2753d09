// Random connections: streams [COUNT [FIRST-SEED]]
#include <cstdlib>
#include <iostream>

#include "tests/stream/connection.hpp"

int main(int count, char** words) {
    const std::uint64_t runs = count > 1 ? std::strtoull(words[1], nullptr, 10) : 1000;
    const std::uint64_t first = count > 2 ? std::strtoull(words[2], nullptr, 10) : 1;
    unsigned wrong = 0;
    for (std::uint64_t seed = first; seed < first + runs && wrong < 10; ++seed)
        if (const auto what = sipalg::test::Connection(seed).play()) {
            std::cout << "seed " << seed << ": " << *what << '\n';
            ++wrong;
        }
    std::cout << runs << " connections, " << wrong << " wrong\n";
    return wrong > 0 ? 1 : 0;
}
