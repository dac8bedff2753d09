#include "alg/tcp/sequence_map.hpp"

#include <doctest/doctest.h>

#include <cctype>

#include "tests/model/dice.hpp"

using sipalg::tcp::Position;
using sipalg::tcp::SequenceMap;

namespace {

// 0123456789 with 3-4 longer, 6-7 shorter and 8 gone.
SequenceMap example() {
    SequenceMap map;
    map.add({3, 5, "ABCD"});
    map.add({6, 8, "E"});
    map.add({8, 9, ""});
    return map;
}

std::string written(const SequenceMap& map, std::string_view stream, Position begin, Position end) {
    std::string text;
    map.write(begin, stream.substr(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin)),
              text);
    return text;
}

}  // namespace

TEST_CASE("T2 a part of the stream gets the same text for any segments") {
    const SequenceMap map = example();
    const std::string_view stream = "0123456789";
    CHECK(written(map, stream, 0, 10) == "012ABCD5E9");
    for (Position a = 0; a <= 10; ++a)
        for (Position b = a; b <= 10; ++b) {
            const std::string text =
                written(map, stream, 0, a) + written(map, stream, a, b) + written(map, stream, b, 10);
            CHECK(text == "012ABCD5E9");
            CHECK(map.out(b) - map.out(a) == static_cast<Position>(written(map, stream, a, b).size()));
        }
}

TEST_CASE("T2 an acknowledgement is translated back, and covers only received bytes") {
    const SequenceMap map = example();
    CHECK(map.length() == 0);
    for (Position out = 0; out <= 10; ++out) {
        // Covers all bytes before the position, and none after it.
        CHECK(map.out(map.arrived(out)) <= out);
        CHECK(map.out(map.begins(out)) >= out);
    }
    CHECK(map.arrived(3) == 3);
    CHECK(map.arrived(5) == 4);  // two of four: not the last byte, which has the rest
    CHECK(map.arrived(7) == 5);
    CHECK(map.arrived(9) == 9);  // the removed byte arrives with the byte before it
    CHECK(map.arrived(10) == 10);
    CHECK(map.begins(4) == 4);
    CHECK(map.begins(6) == 5);
}

TEST_CASE("T2 forgetting acknowledged edits keeps later numbers") {
    SequenceMap map = example();
    map.forget(5);
    CHECK(map.edits().size() == 2);
    CHECK(map.base() == 2);
    CHECK(map.out(6) == 8);
    CHECK(map.out(10) == 10);
    CHECK(map.arrived(8) == 6);
    map.forget(10);
    CHECK(map.is_identity());
}

TEST_CASE("T2 a sender that continues from an acknowledgement always makes progress") {
    sipalg::model::Dice dice(7);
    for (int run = 0; run < 300; ++run) {
        SequenceMap map;
        Position at = 0;
        for (int i = 0; i < 5; ++i) {
            at += static_cast<Position>(dice.below(5));
            const Position end = at + 1 + static_cast<Position>(dice.below(6));
            map.add({at, end, std::string(dice.below(9), 'x')});
            at = end;
        }
        const std::string stream(static_cast<std::size_t>(at) + 10, '.');
        Position acknowledged = 0, heard = 0;
        int steps = 0;
        for (; acknowledged < static_cast<Position>(stream.size()) && steps < 1000; ++steps) {
            const Position end = std::min<Position>(acknowledged + 1 + static_cast<Position>(dice.below(3)),
                                                    static_cast<Position>(stream.size()));
            if (map.out(acknowledged) <= heard) heard = std::max(heard, map.out(end));
            const Position told = map.arrived(heard);
            CHECK(told >= acknowledged);
            acknowledged = told;
            if (dice.one_in(3)) map.forget(acknowledged);
        }
        CHECK(steps < 1000);
    }
}

TEST_CASE("T2 with many edits, positions are those of the written bytes") {
    SequenceMap map;
    std::string stream;
    for (Position begin = 1; begin < 400; begin += 5)
        map.add({begin, begin + begin % 4, std::string(static_cast<std::size_t>(begin % 3), 'x')});
    map.forget(50);
    stream.assign(420, '.');
    for (Position a = 60; a <= 420; ++a) {
        CHECK(map.out(a) - map.out(60) == static_cast<Position>(written(map, stream, 60, a).size()));
        CHECK(map.out(map.arrived(map.out(a))) <= map.out(a));
        CHECK(map.arrived(map.out(a)) <= a + 4);
        CHECK(map.out(map.begins(map.out(a))) == map.out(a));
    }
    CHECK(map.out(420) == 420 + map.length());
}
