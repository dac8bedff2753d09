#include <doctest/doctest.h>

#include "alg/nat/mappings.hpp"
#include "alg/nat/renumbering.hpp"
#include "tests/cases/kernel.hpp"

namespace sipalg::nat {

namespace {

const Address first = Address::v4(0xCB007101), second = Address::v4(0xCB007102);
const Address phone = Address::v4(0xC0A8010A), remote = Address::v4(0xCB00710B);
const AddressChange move{first, {second, second}};

Socket udp(const Address& address, std::uint16_t port) {
    return {Transport::udp, {address, port}};
}

/// One phone's mappings at two addresses of the router.
struct Fixture {
    explicit Fixture(Policy settings = {}) : policy(std::move(settings)), mappings(policy, hosts) {}

    nat::MappingKey acquire(std::uint16_t port, const Address& at, Time until) {
        const nat::MappingKey key = mappings.map(udp(phone, port), {at, at}, {}, now, changes)->key();
        mappings.acquire(key, until, now, changes);
        return key;
    }
    nat::Renumbering::Counts go() {
        nat::Renumbering renumbering({&move, 1});
        mappings.renumber(renumbering, now, changes);
        kernel.apply(changes, now);
        changes.clear();
        return renumbering.counts(first);
    }
    void apply() {
        kernel.apply(changes, now);
        changes.clear();
        mappings.commit();
    }

    Policy policy;
    Hosts hosts;
    nat::Mappings mappings;
    test::TableKernel kernel;
    std::vector<Change> changes;
    Time now{1000};
};

}  // namespace

TEST_CASE("C11 a mapping that exists at the new address absorbs the one from the old address") {
    Fixture f;
    const nat::MappingKey old = f.acquire(16000, first, Time{500'000});
    const nat::MappingKey there = f.acquire(16000, second, Time{100'000});
    const Pinhole hole{Transport::udp, remote, {first, 16000}};
    f.mappings.pinholes().acquire(hole, Time{500'000}, f.now, f.changes);
    f.apply();
    const nat::Renumbering::Counts counts = f.go();
    f.mappings.commit();
    CHECK(counts.mappings == 1);
    CHECK(counts.pinholes == 1);
    CHECK_FALSE(f.mappings.find(old));
    REQUIRE(f.mappings.find(there));
    CHECK(f.mappings.find(there)->users == 2);
    CHECK(f.mappings.find(there)->kernel_until == Time{500'000});
    CHECK_FALSE(f.mappings.pinholes().find(hole));
    const Pinhole moved{Transport::udp, remote, {second, 16000}};
    REQUIRE(f.mappings.pinholes().find(moved));
    CHECK(f.mappings.pinholes().find(moved)->users == 1);
    CHECK(f.kernel.elements().size() == 2);
    CHECK(f.mappings.find_old(udp(first, 16000)) == f.mappings.find(there));
}

TEST_CASE("C11 X7 without a port at the new address a mapping and its pinhole are lost; others continue") {
    Policy narrow;
    narrow.media_low = 20000;
    narrow.media_high = 20001;
    Fixture f(narrow);
    const nat::MappingKey lost = f.acquire(16000, first, Time{500'000});
    f.acquire(16002, first, Time{500'000});
    f.mappings.pinholes().acquire(Pinhole{Transport::udp, remote, {first, 16000}}, Time{500'000}, f.now,
                                  f.changes);
    f.apply();
    f.mappings.set_occupied({udp(second, 16000), udp(second, 20000)});
    const nat::Renumbering::Counts counts = f.go();
    CHECK(counts.lost == 1);
    CHECK(counts.mappings == 1);
    CHECK(counts.pinholes == 0);
    CHECK_FALSE(f.mappings.find(nat::MappingKey{lost.inside, second}));
    CHECK(f.mappings.find(nat::MappingKey{udp(phone, 16002), second}));
    CHECK(f.mappings.pinholes().size() == 0);
    CHECK(f.kernel.elements().size() == 1);
}

TEST_CASE("C11 a mapping that can keep its port keeps it, before others choose theirs") {
    Policy narrow;
    narrow.media_low = 20000;
    narrow.media_high = 20003;
    Fixture f(narrow);
    f.acquire(16000, first, Time{500'000});
    const nat::MappingKey user = f.acquire(20000, first, Time{500'000});
    f.apply();
    f.mappings.set_occupied({udp(second, 16000)});
    CHECK(f.go().other_ports == 1);
    CHECK(f.mappings.find(nat::MappingKey{user.inside, second})->mapping.outside.port == 20000);
    CHECK(f.mappings.find(nat::MappingKey{udp(phone, 16000), second})->mapping.outside.port == 20002);
}

TEST_CASE("C11 law 4: a refused move changes nothing") {
    Fixture f;
    const nat::MappingKey key = f.acquire(16000, first, Time{500'000});
    f.mappings.pinholes().acquire(Pinhole{Transport::udp, remote, {first, 16000}}, Time{500'000}, f.now,
                                  f.changes);
    f.apply();
    nat::Renumbering renumbering({&move, 1});
    f.mappings.renumber(renumbering, f.now, f.changes);
    f.mappings.cancel();
    REQUIRE(f.mappings.find(key));
    CHECK(f.mappings.find_public(udp(first, 16000)) == f.mappings.find(key));
    CHECK_FALSE(f.mappings.find_public(udp(second, 16000)));
    CHECK_FALSE(f.mappings.find_old(udp(first, 16000)));
    CHECK(f.mappings.pinholes().find(Pinhole{Transport::udp, remote, {first, 16000}}));
}

}  // namespace sipalg::nat
