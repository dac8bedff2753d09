#include "alg/base/byte_scan.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <string>

namespace sipalg::byte_scan {

TEST_CASE("P1 the search by blocks finds the same bytes as a search of every byte") {
    std::mt19937 random(1);
    for (int round = 0; round < 20'000; ++round) {
        std::string text(random() % 70, ' ');
        const auto rare = 2 + random() % 40;
        for (char& c : text)
            c = random() % rare == 0 ? ':' : random() % rare == 0 ? '\n' : 'x';
        const std::size_t from = random() % (text.size() + 1);
        const auto next = [&](std::size_t begin, std::string_view of) {
            return std::min(text.find_first_of(of, begin), text.size());
        };
        CHECK(find<':'>(text, from) == next(from, ":"));
        CHECK(find<':', '\n'>(text, from) == next(from, ":\n"));
        const std::size_t end = from + random() % (text.size() - from + 1);
        CHECK(find<'\n'>(text, from, end) == std::min(next(from, "\n"), end));
        const Pair pair = find_pair<':', '\n'>(text, from);
        CHECK(pair.first == next(from, ":\n"));
        CHECK(pair.second == next(from, "\n"));
    }
}

}  // namespace sipalg::byte_scan
