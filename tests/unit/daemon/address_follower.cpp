#include "alg/daemon/run/address_follower.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

using namespace sipalg;
using namespace sipalg::daemon;

namespace {

Address address(const char* text) {
    return *Address::parse(text);
}

/// One uplink and one call on it. The test chooses the uplink's address and whether the kernel refuses.
struct Router : AddressUser {
    std::vector<EgressChooser::End> all{{2, "wan", {address("203.0.113.1"), address("203.0.113.1")}}};
    Egress call{address("203.0.113.1"), address("203.0.113.1")};
    bool refuses = false;
    int attempts = 0;

    const std::vector<EgressChooser::End>& ends() override { return all; }
    void set_external(const std::vector<Address>& external) override {
        all[0].egress.advertised = external.empty() ? all[0].egress.address : external.front();
    }
    std::vector<Egress> used() override { return {call}; }
    bool renumber(std::span<const AddressChange> moves, Time) override {
        ++attempts;
        if (refuses) return false;
        for (const AddressChange& move : moves)
            if (move.from == call.address) call = move.to;
        return true;
    }
    void ends_changed() override {}

    void get_address(const char* text) { all[0].egress = {address(text), address(text)}; }
};

}  // namespace

TEST_CASE("C11 a call moves to the uplink's new address") {
    Router router;
    AddressFollower follower(router, {});
    follower.follow(Time(0));
    CHECK(router.attempts == 0);
    router.get_address("203.0.113.2");
    follower.follow(Time(1000));
    CHECK(router.call.address.text() == "203.0.113.2");
    CHECK_FALSE(follower.advance(Time(1000)));
}

TEST_CASE("C11 a refused move is repeated") {
    Router router;
    AddressFollower follower(router, {});
    follower.follow(Time(0));
    router.get_address("203.0.113.2");
    router.refuses = true;
    follower.follow(Time(1000));
    CHECK(router.call.address.text() == "203.0.113.1");
    CHECK(follower.advance(Time(1001)) == Time(1000) + AddressFollower::pause);
    CHECK(router.attempts == 1);
    router.refuses = false;
    CHECK_FALSE(follower.advance(Time(1000) + AddressFollower::pause));
    CHECK(router.call.address.text() == "203.0.113.2");
}

TEST_CASE("N1 C11 a new external address is advertised once the call has moved, not before") {
    Router router;
    AddressFollower follower(router, {});
    follower.follow(Time(0));
    router.refuses = true;
    follower.set_external({address("198.51.100.7")}, Time(1000));
    CHECK(router.all[0].egress.advertised.text() == "203.0.113.1");
    router.refuses = false;
    CHECK_FALSE(follower.advance(Time(1000) + AddressFollower::pause));
    CHECK(router.all[0].egress.advertised.text() == "198.51.100.7");
    CHECK(router.call.advertised.text() == "198.51.100.7");
}

TEST_CASE("C11 a refused external address is repeated in spite of an interface event") {
    Router router;
    AddressFollower follower(router, {});
    follower.follow(Time(0));
    router.refuses = true;
    follower.set_external({address("198.51.100.7")}, Time(1000));
    follower.follow(Time(1500));  // refused again
    REQUIRE(follower.advance(Time(1500)));
    router.refuses = false;
    follower.follow(Time(1600));
    CHECK(router.all[0].egress.advertised.text() == "198.51.100.7");
    CHECK_FALSE(follower.advance(Time(1600)));
}
