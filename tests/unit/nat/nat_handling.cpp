#include "alg/nat/nat_handling.hpp"

#include <doctest/doctest.h>

using namespace sipalg;
using namespace sipalg::nat;

namespace {

PhonePeer pair(std::uint32_t phone, std::uint32_t peer = 1) {
    return {Address::v4(0x0A000000 + phone), Address::v4(0xCB007100 + peer)};
}

const auto nobody = [](const PhonePeer&) { return false; };

}  // namespace

TEST_CASE("S2 a pair is reported as new once, and a peer that handles NAT takes precedence over a phone") {
    constexpr Limits limits;
    NatHandling all(limits);
    CHECK(all.note(pair(1), NatHandler::phone, Time{0}));
    CHECK_FALSE(all.note(pair(1), NatHandler::phone, Time{0}));
    CHECK(all.note(pair(1), NatHandler::peer, Time{0}));
    CHECK_FALSE(all.note(pair(1), NatHandler::phone, Time{0}));
    CHECK(all.of(pair(1)) == NatHandler::peer);
    CHECK(all.of(pair(1, 2)) == NatHandler::neither);
}

TEST_CASE("S2 a pair is kept while it exchanges messages, or the phone is registered there") {
    constexpr Limits limits;
    NatHandling all(limits);
    all.note(pair(1), NatHandler::peer, Time{0});
    all.note(pair(2), NatHandler::peer, Time{0});
    all.note(pair(3), NatHandler::peer, Time{0});
    all.commit();
    all.refresh(pair(2), NatHandling::idle - Time{1});
    all.refresh(pair(9), NatHandling::idle);
    REQUIRE(all.next_deadline() == NatHandling::idle);
    all.expire(NatHandling::idle, [](const PhonePeer& which) { return which == pair(3); });
    all.commit();
    CHECK(all.of(pair(1)) == NatHandler::neither);
    CHECK(all.of(pair(2)) == NatHandler::peer);
    CHECK(all.of(pair(3)) == NatHandler::peer);
    all.expire(NatHandling::idle * 3, nobody);
    all.expire(NatHandling::idle * 3, nobody);
    CHECK(all.empty());
    CHECK_FALSE(all.next_deadline());
}

TEST_CASE("S2 law 4: a cancelled pair is not kept, and a forgotten one has no deadline") {
    constexpr Limits limits;
    NatHandling all(limits);
    all.note(pair(1), NatHandler::peer, Time{0});
    all.cancel();
    CHECK(all.empty());
    all.note(pair(1), NatHandler::peer, Time{0});
    all.forget(pair(1));
    all.forget(pair(1));
    all.note(pair(1), NatHandler::peer, Time{5'000});
    all.commit();
    all.expire(NatHandling::idle, nobody);
    CHECK(all.of(pair(1)) == NatHandler::peer);
    all.expire(NatHandling::idle + Time{5'000}, nobody);
    CHECK(all.empty());
}

TEST_CASE("X7 neither one phone nor many exceed the limits") {
    constexpr Limits limits;
    NatHandling all(limits);
    for (std::uint32_t i = 0; i < limits.max_nat_handling_per_phone; ++i)
        CHECK(all.note(pair(1, i), NatHandler::peer, Time{0}));
    CHECK_FALSE(all.note(pair(1, 200), NatHandler::peer, Time{0}));
    CHECK(all.of(pair(1, 200)) == NatHandler::neither);
    CHECK(all.note(pair(2), NatHandler::peer, Time{0}));
    all.commit();
    for (std::uint32_t i = 3; i < 2 * limits.max_nat_handling; ++i) {
        all.note(pair(i), NatHandler::peer, Time{0});
        all.commit();
    }
    CHECK(all.of(pair(2 * limits.max_nat_handling - 1)) == NatHandler::neither);
    for (std::size_t i = 0; i < limits.max_nat_handling / 64 + 8; ++i) {
        all.expire(NatHandling::idle, nobody);
        all.commit();
    }
    CHECK(all.empty());
    CHECK(all.note(pair(1, 200), NatHandler::peer, Time{0}));
}

TEST_CASE("X7 the owner can set the limits of pairs that handle NAT") {
    Limits limits;
    limits.max_nat_handling = 3;
    limits.max_nat_handling_per_phone = 2;
    NatHandling all(limits);
    for (std::uint32_t i = 0; i < 3; ++i)
        CHECK(all.note(pair(1, i), NatHandler::peer, Time{0}) == (i < 2));
    CHECK(all.largest_share() == 2);
    CHECK(all.note(pair(2), NatHandler::peer, Time{0}));
    CHECK_FALSE(all.note(pair(3), NatHandler::peer, Time{0}));
}
