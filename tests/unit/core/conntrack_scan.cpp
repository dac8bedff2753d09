// The entries that a conntrack scan deletes, and its results; whole calls are in tests/cases/bye.case.
#include <doctest/doctest.h>

#include "alg/core/state.hpp"
#include "alg/policy/timing.hpp"

namespace sipalg {

namespace {

const Address wan = Address::v4(0xCB007101);
const Egress egress{wan, wan};
const Endpoint phone{Address::v4(0xC0A8010A), 16000};
const Endpoint peer{Address::v4(0xCB00710B), 30000};
const Endpoint outside{wan, 16000};
const nat::MappingKey key{{Transport::udp, phone}, wan};
const Pinhole hole{Transport::udp, peer.address, outside};

ConntrackEntry from_phone(std::uint16_t public_port = 16000, Seconds idle = Seconds{0}) {
    return {Transport::udp, phone, peer, peer, {wan, public_port}, idle, true, false, 0, 0};
}
ConntrackEntry from_peer() {
    return {Transport::udp, peer, outside, phone, peer, Seconds{0}, true, false, 0, 0};
}

/// A mapping with a pinhole, as a call has them.
struct Fixture {
    Fixture() : state(Policy{}) {
        mappings().map({Transport::udp, phone}, egress, {}, now, changes);
        mappings().acquire(key, now + std::chrono::seconds(600), now, changes);
        mappings().pinholes().acquire(hole, now + std::chrono::seconds(600), now, changes);
        state.commit();
    }
    nat::Mappings& mappings() { return state.mappings; }
    bool erases(const ConntrackEntry& flow) {
        state.scan.begin(now);
        const bool erased = state.scan.entry(flow, now);
        state.scan.end();
        return erased;
    }
    void close_pinhole() {
        mappings().pinholes().release(hole, changes);
        state.commit();
    }
    State state;
    std::vector<Change> changes;
    Time now{1'000'000};
};

}  // namespace

TEST_CASE("C7 flows of open mappings stay, and flows without a mapping are ignored") {
    Fixture f;
    CHECK(f.state.scan.wanted(f.now));
    CHECK_FALSE(f.erases(from_phone()));
    CHECK_FALSE(f.state.scan.wanted(f.now));
    CHECK_FALSE(f.erases(from_peer()));
    ConntrackEntry foreign = from_phone();
    foreign.original_source.port = 40000;
    CHECK_FALSE(f.erases(foreign));
}

TEST_CASE("C7 a flow at another public port is older than the mapping") {
    Fixture f;
    CHECK(f.erases(from_phone(40000)));
}

TEST_CASE("C7 the flows of a closed mapping are deleted once") {
    Fixture f;
    f.mappings().pinholes().release(hole, f.changes);
    f.mappings().release(key, f.now, f.changes);
    f.state.commit();
    CHECK(f.state.scan.wanted(f.now));
    CHECK(f.erases(from_phone()));
    CHECK_FALSE(f.state.scan.wanted(f.now));
    CHECK_FALSE(f.erases(from_phone()));  // now another mapping's
}

TEST_CASE(
    "C7 the flows of a closed pinhole are deleted; while signalling continues, only those of the peer") {
    Fixture f;
    bool signalling = false;
    SUBCASE("media") {}
    SUBCASE("signalling") {
        signalling = true;
        f.mappings().refresh(key, false, f.now, f.changes);
    }
    f.close_pinhole();
    f.state.scan.begin(f.now);
    CHECK(f.state.scan.entry(from_phone(), f.now) == !signalling);
    CHECK(f.state.scan.entry(from_peer(), f.now));
    f.state.scan.end();
}

TEST_CASE("P5 only the first scan, and one after a change of the address, reads the whole table") {
    Fixture f;
    CHECK(f.state.scan.extent(f.now) == Extent::whole);
    static_cast<void>(f.erases(from_phone()));
    CHECK(f.state.scan.extent(f.now) == Extent::own);
    f.state.scan.note_renumbered();
    CHECK(f.state.scan.extent(f.now) == Extent::whole);
    f.state.scan.begin(f.now, Extent::own);  // one that had begun before
    static_cast<void>(f.state.scan.end());
    CHECK(f.state.scan.extent(f.now) == Extent::whole);
    static_cast<void>(f.erases(from_phone()));
    CHECK(f.state.scan.extent(f.now) == Extent::own);
}

TEST_CASE("S2 a question that the kernel's notes cannot answer leads to one scan of the whole table") {
    Fixture f;
    static_cast<void>(f.erases(from_phone()));
    f.state.scan.note_unanswered();
    CHECK_FALSE(f.state.scan.wanted(f.now));
    f.now += scan_interval;
    CHECK(f.state.scan.wanted(f.now));
    CHECK(f.state.scan.extent(f.now) == Extent::whole);
    static_cast<void>(f.erases(from_phone()));
    CHECK(f.state.scan.extent(f.now) == Extent::own);
}

TEST_CASE("C12 flows of hosts with mappings or with signalling are followed, others are not") {
    Fixture f;
    const Endpoint other{Address::v4(0xC0A80114), 40000};
    ConntrackEntry foreign = from_phone();
    foreign.original_source = other;
    static_cast<void>(f.erases(foreign));
    CHECK(f.state.scan.follows(from_phone()));
    CHECK(f.state.scan.follows(from_peer()));
    CHECK_FALSE(f.state.scan.follows(foreign));
    ConntrackEntry signalling = foreign;
    signalling.original_destination.port = signalling.reply_source.port = 5060;
    static_cast<void>(f.erases(signalling));
    CHECK(f.state.scan.follows(foreign));
}

TEST_CASE("C6 the time of the last media follows from the idle time of the flow") {
    Fixture f;
    f.erases(from_phone(16000, Seconds{20}));
    CHECK(f.mappings().find(key)->last_flow == f.now - Time{20'000});
    f.erases(from_phone(16000, Seconds{90}));  // an older packet than the latest known one
    CHECK(f.mappings().find(key)->last_flow == f.now - Time{20'000});
    f.erases(from_peer());
    CHECK(f.mappings().find(key)->last_flow == f.now);
}

}  // namespace sipalg
