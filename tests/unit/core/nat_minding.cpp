#include "alg/call/nat_minding.hpp"

#include <doctest/doctest.h>

using namespace sipalg;
using namespace sipalg::call;

namespace {

Pair pair(std::uint32_t phone, std::uint32_t peer = 1) {
    return {Address::v4(0x0A000000 + phone), Address::v4(0xCB007100 + peer)};
}

const auto nobody = [](const Pair&) { return false; };

}  // namespace

TEST_CASE("S2 what was learned is said once, and a peer's minding outweighs a phone's") {
    NatMinding all;
    CHECK(all.note(pair(1), Minds::phone, Time{0}));
    CHECK_FALSE(all.note(pair(1), Minds::phone, Time{0}));
    CHECK(all.note(pair(1), Minds::peer, Time{0}));
    CHECK_FALSE(all.note(pair(1), Minds::phone, Time{0}));
    CHECK(all.of(pair(1)) == Minds::peer);
    CHECK(all.of(pair(1, 2)) == Minds::nobody);
}

TEST_CASE("it lasts as long as the two talk, or the phone is registered there") {
    NatMinding all;
    all.note(pair(1), Minds::peer, Time{0});
    all.note(pair(2), Minds::peer, Time{0});
    all.note(pair(3), Minds::peer, Time{0});
    all.commit();
    all.keep(pair(2), NatMinding::idle - Time{1});
    all.keep(pair(9), NatMinding::idle);
    REQUIRE(all.next_deadline() == NatMinding::idle);
    all.expire(NatMinding::idle, [](const Pair& which) { return which == pair(3); });
    all.commit();
    CHECK(all.of(pair(1)) == Minds::nobody);
    CHECK(all.of(pair(2)) == Minds::peer);
    CHECK(all.of(pair(3)) == Minds::peer);
    all.expire(NatMinding::idle * 3, nobody);
    all.expire(NatMinding::idle * 3, nobody);
    CHECK(all.empty());
    CHECK_FALSE(all.next_deadline());
}

TEST_CASE("what was staged and cancelled was not learned, what was forgotten is not named") {
    NatMinding all;
    all.note(pair(1), Minds::peer, Time{0});
    all.cancel();
    CHECK(all.empty());
    all.note(pair(1), Minds::peer, Time{0});
    all.forget(pair(1));
    all.forget(pair(1));
    all.note(pair(1), Minds::peer, Time{5'000});
    all.commit();
    all.expire(NatMinding::idle, nobody);
    CHECK(all.of(pair(1)) == Minds::peer);
    all.expire(NatMinding::idle + Time{5'000}, nobody);
    CHECK(all.empty());
}

TEST_CASE("X7 neither one phone nor many can fill it beyond its ceilings") {
    NatMinding all;
    for (std::uint32_t i = 0; i < NatMinding::most_per_phone; ++i)
        CHECK(all.note(pair(1, i), Minds::peer, Time{0}));
    CHECK_FALSE(all.note(pair(1, 200), Minds::peer, Time{0}));
    CHECK(all.of(pair(1, 200)) == Minds::nobody);
    CHECK(all.note(pair(2), Minds::peer, Time{0}));
    all.commit();
    for (std::uint32_t i = 3; i < 2 * NatMinding::most; ++i) {
        all.note(pair(i), Minds::peer, Time{0});
        all.commit();
    }
    CHECK(all.of(pair(2 * NatMinding::most - 1)) == Minds::nobody);
    for (std::size_t i = 0; i < NatMinding::most / 64 + 8; ++i) {
        all.expire(NatMinding::idle, nobody);
        all.commit();
    }
    CHECK(all.empty());
    CHECK(all.note(pair(1, 200), Minds::peer, Time{0}));
}
