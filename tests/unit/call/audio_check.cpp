#include "alg/call/audio_check.hpp"

#include <doctest/doctest.h>

namespace sipalg::call {

namespace {

using namespace std::chrono_literals;

const nat::MappingKey key{{Transport::udp, {Address::v4(0xC0A8010A), 16000}}, Address::v4(0xCB007101)};

struct Fixture {
    AudioCheck audibility;
    /// One sweep at `now`, of these flows.
    void sweep(Time now, std::initializer_list<PacketCount> flows, bool exists = true) {
        audibility.begin();
        for (const PacketCount& count : flows)
            audibility.seen(key, count);
        audibility.end(now, [&](const nat::MappingKey&) { return exists; });
    }
    /// "phone", "peer", "both" or "" by who was heard; "?" unknown.
    std::string heard(Time since) const {
        const auto heard = audibility.heard(key, since);
        if (!heard) return "?";
        return heard->phone ? (heard->peer ? "both" : "phone") : (heard->peer ? "peer" : "");
    }
};

}  // namespace

TEST_CASE("O5 sweeps that come close together make one window") {
    Fixture f;
    f.sweep(100s, {});
    f.sweep(101s, {{50, 0}});
    f.sweep(105s, {{250, 0}});
    CHECK(f.heard(100s) == "?");
    f.sweep(110s, {{500, 0}});
    CHECK(f.heard(100s) == "phone");
    CHECK(f.audibility.heard(key, 100s)->span == Time{10s});
    f.sweep(115s, {{750, 300}});
    CHECK(f.heard(100s) == "phone");
    f.sweep(120s, {{1000, 500}});
    CHECK(f.heard(100s) == "both");
}

TEST_CASE("O5 a window that began before the change of the session says nothing about it") {
    Fixture f;
    f.sweep(100s, {});
    f.sweep(111s, {{500, 0}});
    CHECK(f.heard(100s) == "phone");
    CHECK(f.heard(101s) == "?");
}

TEST_CASE("O5 less than a packet a second is RTCP or comfort noise, not media") {
    Fixture f;
    f.sweep(100s, {});
    f.sweep(120s, {{1000, 19}});
    CHECK(f.heard(100s) == "phone");
    f.sweep(140s, {{2000, 39}});
    CHECK(f.heard(100s) == "both");
}

TEST_CASE("O5 the flows of a mapping count together; one that ends makes the window begin anew") {
    Fixture f;
    f.sweep(100s, {});
    f.sweep(110s, {{500, 0}, {0, 500}});
    CHECK(f.heard(100s) == "both");
    f.sweep(120s, {{1000, 0}});
    CHECK(f.heard(100s) == "?");
    f.sweep(130s, {{1500, 0}});
    CHECK(f.heard(100s) == "phone");
}

TEST_CASE("O5 a mapping without any flow is silent after a window") {
    Fixture f;
    f.sweep(100s, {});
    CHECK(f.heard(95s) == "?");
    f.sweep(106s, {});
    CHECK(f.heard(95s) == "");
}

TEST_CASE("O5 where nothing is counted, a direction counts if it ever was used") {
    Fixture f;
    f.sweep(100s, {});
    f.sweep(110s, {{1, 0, false}});
    CHECK(f.heard(100s) == "phone");
    f.sweep(120s, {{1, 1, false}});
    CHECK(f.heard(100s) == "both");
}

TEST_CASE("O5 with its mapping, what was heard is forgotten") {
    Fixture f;
    f.sweep(100s, {});
    f.sweep(110s, {{500, 500}});
    f.sweep(111s, {}, false);
    CHECK(f.heard(110s) == "?");
}

}  // namespace sipalg::call
