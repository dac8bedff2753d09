#include "alg/nat/proven_pairs.hpp"

#include <doctest/doctest.h>

#include "alg/policy/timing.hpp"

namespace sipalg::nat {

namespace {

struct Fixture {
    static PhonePeer pair(std::uint32_t phone, std::uint32_t peer) {
        return {Address::v4(0xC0A80100 + phone), Address::v4(0xCB007100 + peer)};
    }
    Policy policy;
    Hosts hosts;
    ProvenPairs proofs{policy, hosts};
    Time now{1'000'000};
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "X11 a packet proves only its own pair, for two minutes") {
    CHECK_FALSE(proofs.is_proven(pair(1, 1), now));
    CHECK(proofs.note(pair(1, 1), now));
    CHECK_FALSE(proofs.note(pair(1, 1), now + Time{1000}));
    CHECK(proofs.is_proven(pair(1, 1), now + proof_time));
    CHECK_FALSE(proofs.is_proven(pair(1, 1), now + Time{1000} + proof_time));
    CHECK_FALSE(proofs.is_proven(pair(2, 1), now));
    CHECK_FALSE(proofs.is_proven(pair(1, 2), now));
    CHECK(proofs.note(pair(1, 1), now + Time{1000} + proof_time));
}

TEST_CASE_FIXTURE(Fixture, "X11 law 4 a packet whose changes were refused has proven nothing") {
    proofs.note(pair(1, 1), now);
    proofs.commit();
    proofs.note(pair(1, 1), now);
    CHECK(proofs.note(pair(1, 2), now));
    proofs.cancel();
    CHECK(proofs.is_proven(pair(1, 1), now));
    CHECK_FALSE(proofs.is_proven(pair(1, 2), now));
    CHECK(proofs.note(pair(1, 2), now));
}

TEST_CASE_FIXTURE(Fixture, "X11 a registration or call keeps a pair proven, also after a cancelled release") {
    proofs.acquire(pair(1, 1));
    proofs.commit();
    CHECK(proofs.is_proven(pair(1, 1), now + 100 * proof_time));
    proofs.release(pair(1, 1));
    CHECK_FALSE(proofs.is_proven(pair(1, 1), now));
    proofs.cancel();
    CHECK(proofs.is_proven(pair(1, 1), now));
    proofs.acquire(pair(1, 1));
    proofs.release(pair(1, 1));
    proofs.release(pair(1, 1));
    proofs.commit();
    CHECK_FALSE(proofs.is_proven(pair(1, 1), now));
}

TEST_CASE_FIXTURE(Fixture,
                  "X7 what is proven no longer is forgotten, and then there is nothing to wait for") {
    CHECK_FALSE(proofs.next_deadline());
    proofs.note(pair(1, 1), now);
    proofs.note(pair(1, 2), now + Time{90'000});
    proofs.acquire(pair(1, 3));
    REQUIRE(proofs.next_deadline());
    for (int i = 0; i < 10 && proofs.next_deadline(); ++i)
        proofs.expire(*proofs.next_deadline());
    CHECK_FALSE(proofs.next_deadline());
    CHECK(proofs.size() == 1);
    proofs.release(pair(1, 3));
    REQUIRE(proofs.next_deadline());
    proofs.expire(now + 10 * proof_time);
    CHECK(proofs.size() == 0);
}

TEST_CASE_FIXTURE(Fixture,
                  "X7 at the limits the oldest pair goes: of the phone, or of the phone that has most") {
    policy.max_proven_pairs_per_phone = 3;
    policy.max_proven_pairs = 5;
    proofs.note(pair(2, 1), now);
    proofs.acquire(pair(3, 1));
    for (std::uint32_t peer = 1; peer <= 4; ++peer)
        proofs.note(pair(1, peer), now);
    CHECK_FALSE(proofs.is_proven(pair(1, 1), now));
    CHECK(proofs.is_proven(pair(1, 2), now));
    proofs.note(pair(4, 1), now);
    proofs.note(pair(4, 2), now);
    CHECK_FALSE(proofs.is_proven(pair(1, 2), now));
    for (const PhonePeer& kept : {pair(2, 1), pair(3, 1), pair(1, 3), pair(1, 4), pair(4, 1), pair(4, 2)})
        CHECK(proofs.is_proven(kept, now));
}

TEST_CASE_FIXTURE(Fixture, "X11 N3 a peer that the owner allows is proven") {
    Section section{*Prefix::parse("203.0.113.1"), {}};
    section.treatment.allowed = true;
    policy.treatments.peers.push_back(section);
    CHECK(proofs.is_proven(pair(1, 1), now));
    CHECK_FALSE(proofs.is_proven(pair(1, 2), now));
}

TEST_CASE_FIXTURE(Fixture, "X11 C12 an earlier answer proves its pair for the rest of two minutes") {
    CHECK_FALSE(proofs.note(pair(1, 1), now - proof_time, now));
    CHECK(proofs.note(pair(1, 2), now - Time{100'000}, now));
    CHECK(proofs.is_proven(pair(1, 2), now + Time{19'000}));
    CHECK_FALSE(proofs.is_proven(pair(1, 2), now + Time{20'000}));
}

}  // namespace sipalg::nat
