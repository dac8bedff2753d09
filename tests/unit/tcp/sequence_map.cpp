#include "alg/tcp/sequence_map.hpp"

#include <doctest/doctest.h>

#include <cctype>

#include "tests/model/dice.hpp"

using sipalg::tcp::Position;
using sipalg::tcp::SequenceMap;

namespace {

// 0123456789 with 3-4 longer, 6-7 shorter and 8 gone.
SequenceMap example() {
    SequenceMap shift;
    shift.add({3, 5, "ABCD"});
    shift.add({6, 8, "E"});
    shift.add({8, 9, ""});
    return shift;
}

std::string written(const SequenceMap& shift, std::string_view stream, Position begin, Position end) {
    std::string text;
    shift.write(begin, stream.substr(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin)),
                text);
    return text;
}

}  // namespace

TEST_CASE("T2 a part of the stream gets the same text for any segments") {
    const SequenceMap shift = example();
    const std::string_view stream = "0123456789";
    CHECK(written(shift, stream, 0, 10) == "012ABCD5E9");
    for (Position a = 0; a <= 10; ++a)
        for (Position b = a; b <= 10; ++b) {
            const std::string text =
                written(shift, stream, 0, a) + written(shift, stream, a, b) + written(shift, stream, b, 10);
            CHECK(text == "012ABCD5E9");
            CHECK(shift.out(b) - shift.out(a) == static_cast<Position>(written(shift, stream, a, b).size()));
        }
}

TEST_CASE("T2 an acknowledgement is translated back, and covers only received bytes") {
    const SequenceMap shift = example();
    CHECK(shift.length() == 0);
    for (Position out = 0; out <= 10; ++out) {
        // Covers all bytes before the position, and none after it.
        CHECK(shift.out(shift.arrived(out)) <= out);
        CHECK(shift.out(shift.begins(out)) >= out);
    }
    CHECK(shift.arrived(3) == 3);
    CHECK(shift.arrived(5) == 4);  // two of four: not the last byte, which has the rest
    CHECK(shift.arrived(7) == 5);
    CHECK(shift.arrived(9) == 9);  // the removed byte arrives with the byte before it
    CHECK(shift.arrived(10) == 10);
    CHECK(shift.begins(4) == 4);
    CHECK(shift.begins(6) == 5);
}

TEST_CASE("T2 forgetting acknowledged edits keeps later numbers") {
    SequenceMap shift = example();
    shift.forget(5);
    CHECK(shift.edits().size() == 2);
    CHECK(shift.base() == 2);
    CHECK(shift.out(6) == 8);
    CHECK(shift.out(10) == 10);
    CHECK(shift.arrived(8) == 6);
    shift.forget(10);
    CHECK(shift.is_identity());
}

TEST_CASE("T2 a sender that continues from an acknowledgement always makes progress") {
    sipalg::model::Dice dice(7);
    for (int run = 0; run < 300; ++run) {
        SequenceMap shift;
        Position at = 0;
        for (int i = 0; i < 5; ++i) {
            at += static_cast<Position>(dice.below(5));
            const Position end = at + 1 + static_cast<Position>(dice.below(6));
            shift.add({at, end, std::string(dice.below(9), 'x')});
            at = end;
        }
        const std::string stream(static_cast<std::size_t>(at) + 10, '.');
        Position acknowledged = 0, heard = 0;
        int steps = 0;
        for (; acknowledged < static_cast<Position>(stream.size()) && steps < 1000; ++steps) {
            const Position end = std::min<Position>(acknowledged + 1 + static_cast<Position>(dice.below(3)),
                                                    static_cast<Position>(stream.size()));
            if (shift.out(acknowledged) <= heard) heard = std::max(heard, shift.out(end));
            const Position told = shift.arrived(heard);
            CHECK(told >= acknowledged);
            acknowledged = told;
            if (dice.one_in(3)) shift.forget(acknowledged);
        }
        CHECK(steps < 1000);
    }
}
