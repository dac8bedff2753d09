#include "alg/base/byte_scan.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <string>

namespace sipalg::byte_scan {

namespace {

std::string random_text(std::mt19937& random) {
    std::string text(random() % 70, ' ');
    const auto rare = 2 + random() % 40;
    for (char& c : text)
        c = random() % rare == 0 ? static_cast<char>(random()) : random() % rare == 0 ? '\n' : 'x';
    return text;
}

template <class Kind, class Bytes>
bool same(const std::string& text, std::size_t from, std::size_t end) {
    const auto next = [&](std::size_t limit) {
        std::size_t at = from;
        while (at < limit && !Kind::matches(text[at]))
            ++at;
        return at;
    };
    return find_kind<Kind, Bytes>(text, from) == next(text.size()) &&
           find_kind<Kind, Bytes>(text, from, end) == next(end);
}

template <class Kind, class Bytes>
bool finds_all(const std::string& text, std::size_t from, std::size_t end) {
    Matches<Kind, Bytes> matches(text, from, end);
    for (std::size_t at = from; at < end; ++at)
        if (Kind::matches(text[at]) && matches.next() != at) return false;
    return matches.next() == end && matches.next() == end;
}

}  // namespace

TEST_CASE_TEMPLATE("P1 P6 the search by blocks finds the same bytes as a search of every byte", Bytes, Block,
                   WordBlock) {
    std::mt19937 random(1);
    for (int round = 0; round < 20'000; ++round) {
        const std::string text = random_text(random);
        const std::size_t from = random() % (text.size() + 1);
        const std::size_t end = from + random() % (text.size() - from + 1);
        CHECK(same<OneOf<':'>, Bytes>(text, from, end));
        CHECK(same<OneOf<':', '\n'>, Bytes>(text, from, end));
        CHECK(same<OneOf<' ', '\t', ';', ',', '>'>, Bytes>(text, from, end));
        CHECK(same<SpaceOrControl, Bytes>(text, from, end));
        CHECK(same<NotHost, Bytes>(text, from, end));
        CHECK(finds_all<OneOf<'\n'>, Bytes>(text, from, end));
        CHECK(finds_all<OneOf<' ', '\t'>, Bytes>(text, from, end));
        CHECK(finds_all<OneOf<'x', '\xff'>, Bytes>(text, from, end));
    }
}

TEST_CASE_TEMPLATE("P6 a block classifies every byte correctly between any neighbours", Bytes, Block,
                   WordBlock) {
    bool all = true;
    for (unsigned byte = 0; byte < 256; ++byte)
        for (unsigned other = 0; other < 256; ++other) {
            std::string text(Bytes::width, static_cast<char>(other));
            text[Bytes::width / 2] = static_cast<char>(byte);
            for (std::size_t from = 0; from < text.size(); from += 2)
                all = all && same<OneOf<'\n', '>'>, Bytes>(text, from, text.size()) &&
                      same<SpaceOrControl, Bytes>(text, from, text.size()) &&
                      same<NotHost, Bytes>(text, from, text.size());
        }
    CHECK(all);
}

}  // namespace sipalg::byte_scan
