#include "alg/call/audio_check.hpp"

#include <doctest/doctest.h>

namespace sipalg::call {

namespace {

using namespace std::chrono_literals;

const nat::MappingKey key{{Transport::udp, {Address::v4(0xC0A8010A), 16000}}, Address::v4(0xCB007101)};

struct Fixture {
    AudioCheck audio;
    /// One scan at `now` of these flows.
    void scan(Time now, std::initializer_list<PacketCount> flows, bool exists = true) {
        audio.begin();
        for (const PacketCount& count : flows)
            audio.note(key, count);
        audio.end(now, [&](const nat::MappingKey&) { return exists; });
    }
    /// "phone", "peer", "both" or "": the ends that have sent; "?": not known.
    std::string active(Time since) const {
        const auto activity = audio.activity(key, since);
        if (!activity) return "?";
        if (activity->phone) return activity->peer ? "both" : "phone";
        return activity->peer ? "peer" : "";
    }
};

}  // namespace

TEST_CASE("O5 scans that are close together make one window") {
    Fixture f;
    f.scan(100s, {});
    f.scan(101s, {{50, 0}});
    f.scan(105s, {{250, 0}});
    CHECK(f.active(100s) == "?");
    f.scan(110s, {{500, 0}});
    CHECK(f.active(100s) == "phone");
    CHECK(f.audio.activity(key, 100s)->span == Time{10s});
    f.scan(115s, {{750, 300}});
    CHECK(f.active(100s) == "phone");
    f.scan(120s, {{1000, 500}});
    CHECK(f.active(100s) == "both");
}

TEST_CASE("O9 the packets of a mapping are those of the latest complete scan") {
    Fixture f;
    CHECK_FALSE(f.audio.count(key));
    f.scan(100s, {});
    CHECK_FALSE(f.audio.count(key));
    f.scan(101s, {{50, 10}, {2, 3}});
    CHECK(f.audio.count(key) == PacketCount{52, 13});
    f.audio.begin();
    f.audio.note(key, {60, 20});
    CHECK(f.audio.count(key) == PacketCount{52, 13});  // the scan goes on
}

TEST_CASE("O5 a window that began before the change of the session does not count") {
    Fixture f;
    f.scan(100s, {});
    f.scan(111s, {{500, 0}});
    CHECK(f.active(100s) == "phone");
    CHECK(f.active(101s) == "?");
}

TEST_CASE("O5 less than a packet a second is RTCP or comfort noise, not media") {
    Fixture f;
    f.scan(100s, {});
    f.scan(120s, {{1000, 19}});
    CHECK(f.active(100s) == "phone");
    f.scan(140s, {{2000, 39}});
    CHECK(f.active(100s) == "both");
}

TEST_CASE("O5 the flows of a mapping are counted together; when one ends, a new window begins") {
    Fixture f;
    f.scan(100s, {});
    f.scan(110s, {{500, 0}, {0, 500}});
    CHECK(f.active(100s) == "both");
    f.scan(120s, {{1000, 0}});
    CHECK(f.active(100s) == "?");
    f.scan(130s, {{1500, 0}});
    CHECK(f.active(100s) == "phone");
}

TEST_CASE("O5 a mapping without any flow is silent after a window") {
    Fixture f;
    f.scan(100s, {});
    CHECK(f.active(95s) == "?");
    f.scan(106s, {});
    CHECK(f.active(95s) == "");
}

TEST_CASE("O5 without packet counts, a direction counts if it was ever used") {
    Fixture f;
    f.scan(100s, {});
    f.scan(110s, {{1, 0, false}});
    CHECK(f.active(100s) == "phone");
    f.scan(120s, {{1, 1, false}});
    CHECK(f.active(100s) == "both");
}

TEST_CASE("O5 counts are removed with their mapping") {
    Fixture f;
    f.scan(100s, {});
    f.scan(110s, {{500, 500}});
    f.scan(111s, {}, false);
    CHECK(f.active(110s) == "?");
}

}  // namespace sipalg::call
