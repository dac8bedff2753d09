// Mappings that a call has released, and that the kernel keeps for the next one.
#include <doctest/doctest.h>

#include "alg/nat/mapping_restorer.hpp"
#include "alg/nat/mappings.hpp"
#include "alg/policy/timing.hpp"
#include "tests/unit/nat/mappings_fixture.hpp"

namespace sipalg::nat {

using namespace test_mappings;

namespace {

const nat::PortWish media{.media = true};

/// A mapping that a call has released after half a minute.
struct Lingering : MappingsFixture {
    explicit Lingering(Policy settings = {})
        : MappingsFixture(std::move(settings)), key(map(udp(phone, 30000), media)) {
        mappings.acquire(key, now + 600s, now, changes);
        apply();
        pass(30s);
        mappings.release(key, now, changes);
        CHECK(changes.empty());
        apply();
    }
    bool is_in_kernel() const { return !kernel.elements().empty(); }
    nat::MappingKey key;
};

}  // namespace

TEST_CASE("P2 C7 a mapping that a call has released stays for the next one, without its flows") {
    Lingering f;
    CHECK(f.is_in_kernel());
    CHECK(f.mappings.is_lingering(*f.mappings.find(f.key), f.now));
    CHECK(f.mappings.take_closed().mappings.size() == 1);
    f.pass(150s);
    CHECK(f.map(udp(phone, 30000), media) == f.key);
    f.mappings.acquire(f.key, f.now + 200s, f.now, f.changes);
    CHECK(f.changes.empty());
    f.pass(300s);
    CHECK(f.is_in_kernel());
    f.mappings.release(f.key, f.now, f.changes);
    f.apply();
    f.pass(linger_time);
    CHECK_FALSE(f.mappings.find(f.key));
    CHECK_FALSE(f.is_in_kernel());
}

TEST_CASE("P2 a mapping that is kept for calls lasts three minutes at most, and is closed once") {
    Lingering f;
    CHECK(f.mappings.take_closed().mappings.size() == 1);
    f.pass(linger_time - 1s);
    CHECK(f.is_in_kernel());
    f.pass(1s);
    CHECK_FALSE(f.is_in_kernel());
    CHECK_FALSE(f.mappings.find(f.key));
    CHECK(f.mappings.take_closed().mappings.empty());
}

TEST_CASE("P2 X7 a mapping that is kept for calls gives way to others, with both halves") {
    Lingering f(narrow());
    for (std::uint16_t port = 30001; port < 30005; ++port) {
        const nat::MappingKey key = f.map(udp(phone, port), media);
        REQUIRE(f.public_port(key) == port);
        f.mappings.acquire(key, f.now + 600s, f.now, f.changes);
    }
    CHECK_FALSE(f.mappings.find(f.key));
    REQUIRE(f.changes.size() == 5);
    CHECK(f.changes[3].op == Change::Op::remove);
    f.apply();
    CHECK(f.kernel.elements().size() == 4);
}

TEST_CASE("P2 S2 a mapping that is kept for calls gives way to what conntrack says") {
    Lingering f;
    f.mappings.existing_nat().begin();
    f.mappings.existing_nat().note({Transport::udp, {phone, 30000}, {wan, 40000}}, true, false);
    f.mappings.existing_nat().end();
    CHECK(f.public_port(f.map(udp(phone, 30000), media)) == 40000);
    REQUIRE(f.changes.size() == 1);
    CHECK(f.changes[0].op == Change::Op::remove);
}

TEST_CASE("P2 C11 a mapping that is kept for calls ends with the router's address") {
    Lingering f;
    const AddressChange move{wan, {Address::v4(0xCB007102), Address::v4(0xCB007102)}};
    nat::Renumbering renumbering({&move, 1});
    f.mappings.renumber(renumbering, f.now, f.changes);
    f.apply();
    CHECK_FALSE(f.is_in_kernel());
    CHECK(renumbering.counts(wan).mappings == 0);
}

TEST_CASE("P2 A5 a mapping that is kept for calls is neither written nor restored") {
    Lingering f;
    f.mappings.list(f.now, true, f.changes);
    CHECK(f.changes.empty());
    f.mappings.list(f.now, false, f.changes);
    CHECK(f.changes.size() == 1);
    f.changes.clear();
    const auto elements = f.kernel.read(f.now);
    MappingsFixture next;
    next.kernel = f.kernel;
    MappingRestorer restorer(next.mappings, elements, next.now);
    restorer.begin([](const Address&) { return wan; });
    restorer.end(next.changes);
    next.apply();
    CHECK(next.kernel.elements().empty());
    CHECK(next.mappings.all().size() == 0);
}

TEST_CASE("P2 A5 a mapping that signalling uses too is no longer one of calls alone") {
    Lingering f;
    CHECK_FALSE(f.mappings.refresh(f.key, false, f.now, f.changes));
    CHECK(f.changes.size() == 1);  // without the mark
    f.apply();
    const auto elements = f.kernel.read(f.now);
    REQUIRE(elements.size() == 1);
    CHECK(elements[0].note.empty());
    f.pass(idle_time - 1s);
    CHECK(f.is_in_kernel());
    CHECK_FALSE(f.mappings.is_lingering(*f.mappings.find(f.key), f.now));
}

}  // namespace sipalg::nat
