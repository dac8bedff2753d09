#include "alg/nat/mappings.hpp"

#include <doctest/doctest.h>

#include "alg/nat/mapping_restorer.hpp"
#include "alg/policy/timing.hpp"
#include "tests/unit/nat/mappings_fixture.hpp"

namespace sipalg::nat {

using namespace test_mappings;
using Fixture = MappingsFixture;

TEST_CASE("A3 each inside socket has one public endpoint of its own") {
    Fixture f;
    const nat::MappingKey a = f.map(udp(phone, 5060));
    CHECK(f.map(udp(phone, 5060)) == a);
    const nat::MappingKey b = f.map(udp(other, 5060));
    CHECK(f.public_port(a) == 5060);
    CHECK(f.public_port(b) == 16384);
    CHECK(f.mappings.find_public(udp(wan, 16384))->mapping.inside.address == other);
    CHECK(f.mappings.find_public(udp(wan, 5061)) == nullptr);
    CHECK(f.mappings.map(udp(phone, 22), egress, {}, f.now, f.changes) == nullptr);  // X2
    CHECK(f.mappings.map(udp(phone, 6000), egress, {16384, 1, true}, f.now, f.changes) == nullptr);
    CHECK(f.changes.empty());
}

TEST_CASE("N1 A3 at each uplink an inside socket has a mapping of its own, which names the interface") {
    Fixture f;
    const Address wan2 = Address::v4(0xC6336401);
    const Egress first{wan, wan, InterfaceName("dsl")}, second{wan2, wan2, InterfaceName("lte")};
    const Socket inside = udp(phone, 5060);
    for (const Egress& way : {first, second}) {
        const nat::MappingEntry* entry = f.mappings.map(inside, way, {}, f.now, f.changes);
        REQUIRE(entry);
        CHECK(entry->mapping.interface == way.interface);
        CHECK(entry->mapping.outside == Endpoint{way.address, 5060});
    }
    // The uplink gets another address, or the address moves to another interface.
    const Egress to{Address::v4(0xCB007102), Address::v4(0xCB007102), InterfaceName("ppp0")};
    const std::vector<AddressChange> moves{{wan, to}};
    nat::Renumbering renumbering(moves);
    f.mappings.renumber(renumbering, f.now, f.changes);
    const nat::MappingEntry* moved = f.mappings.find({inside, to.address});
    REQUIRE(moved);
    CHECK(moved->mapping.interface.text() == "ppp0");
    CHECK(f.mappings.find({inside, wan2})->mapping.interface.text() == "lte");
}

TEST_CASE("A3 ports of the router's own sockets, also wildcard ones, are not used") {
    Fixture f;
    f.mappings.set_occupied({udp(wan, 5060), udp(Address::v4(0), 5070), udp(Address::v6({}), 5072)});
    for (const std::uint16_t port : std::initializer_list<std::uint16_t>{5060, 5070, 5072})
        CHECK(f.public_port(f.map(udp(phone, port))) >= 16384);
    f.mappings.set_occupied({});
    CHECK(f.public_port(f.map(udp(other, 5070))) == 5070);
}

TEST_CASE(
    "A3 C7 a mapping is in the kernel while it has users; then its port stays reserved for late messages") {
    Fixture f;
    const nat::MappingKey key = f.map(udp(phone, 16000));
    f.mappings.acquire(key, f.now + 600s, f.now, f.changes);
    f.mappings.acquire(key, f.now + 600s, f.now, f.changes);
    CHECK(f.changes.size() == 1);
    f.apply();
    f.mappings.release(key, f.now, f.changes);
    CHECK(f.changes.empty());
    f.mappings.release(key, f.now, f.changes);
    f.apply();
    CHECK(f.kernel.elements().empty());
    CHECK(f.mappings.take_closed().mappings.size() == 1);
    f.mappings.release(key, f.now, f.changes);  // it has no user: nothing happens
    CHECK(f.changes.empty());
    f.pass(31s);
    CHECK(f.public_port(f.map(udp(other, 16000))) != 16000);
    f.pass(1s);
    CHECK(f.public_port(f.map(udp(Address::v4(0xC0A8010C), 16000))) == 16000);
}

TEST_CASE("A2 C8 signalling keeps a mapping for idle_time, and renews it after half of that") {
    Fixture f;
    const nat::MappingKey key = f.map(udp(phone, 5070));
    CHECK(f.mappings.refresh(key, true, f.now, f.changes));
    f.apply();
    CHECK(f.kernel.elements().size() == 2);  // with its listener
    f.pass(80s);
    CHECK_FALSE(f.mappings.refresh(key, true, f.now, f.changes));
    CHECK(f.changes.empty());
    f.pass(20s);
    CHECK_FALSE(f.mappings.refresh(key, true, f.now, f.changes));
    CHECK(f.changes.size() == 2);
    f.apply();
    f.pass(idle_time - 1s);
    CHECK(f.mappings.find(key));
    f.pass(1s);
    CHECK_FALSE(f.mappings.find(key));
    CHECK(f.kernel.elements().empty());
}

TEST_CASE("A2 a mapping that keep-alives use stays in the kernel when its binding ends") {
    Fixture f;
    const nat::MappingKey key = f.map(udp(phone, 5070));
    f.mappings.refresh(key, true, f.now, f.changes);
    f.mappings.acquire(key, f.now + 600s, f.now, f.changes);
    f.apply();
    f.pass(590s);
    f.mappings.note_flow(key, f.now);
    f.pass(10s);  // its element has run out with the binding
    f.mappings.release(key, f.now, f.changes);
    f.apply();
    const Time idle = f.mappings.find(key)->idle_until;
    CHECK(idle == f.now - 10s + idle_time);
    f.pass(idle - f.now - 1s);
    CHECK(f.kernel.elements().size() == 2);
    f.pass(1s);
    CHECK_FALSE(f.mappings.find(key));
    CHECK(f.kernel.elements().empty());
}

TEST_CASE("A2 signalling keeps a mapping in the kernel, even if the first renewal was skipped") {
    Fixture f;
    const nat::MappingKey key = f.map(udp(phone, 5070));
    f.mappings.acquire(key, f.now + 160s, f.now, f.changes);
    f.mappings.refresh(key, false, f.now, f.changes);
    f.apply();
    f.mappings.release(key, f.now, f.changes);
    f.apply();
    f.pass(idle_time - 1s);
    REQUIRE(f.mappings.find(key));
    CHECK(f.kernel.elements().size() == 1);
    f.pass(1s);
    CHECK_FALSE(f.mappings.find(key));
    CHECK(f.kernel.elements().empty());
}

TEST_CASE("X7 a mapping has one deadline, which each use moves") {
    Fixture f;
    const nat::MappingKey key = f.map(udp(phone, 5060));
    int named = 0;
    for (int i = 0; i < 1000; ++i) {
        f.mappings.refresh(key, false, f.now, f.changes);
        f.apply();
        f.now += 100s;
        while (f.mappings.next_deadline() && *f.mappings.next_deadline() <= f.now) {
            ++named;
            f.mappings.expire(f.now, f.changes);
            f.apply();
        }
    }
    CHECK(f.mappings.find(key));
    CHECK(named == 0);  // each use moves the one deadline
    CHECK(f.mappings.deadlines() == 1);
}

TEST_CASE("law 4 a refused expiry is due again; nothing staged stays") {
    Fixture f;
    const nat::MappingKey key = f.map(udp(phone, 16000));
    f.mappings.acquire(key, f.now + 600s, f.now, f.changes);
    f.mappings.pinholes().acquire(f.hole(key), f.now + 600s, f.now, f.changes);
    f.mappings.cancel();
    f.changes.clear();
    CHECK_FALSE(f.mappings.find(key));
    CHECK(f.mappings.pinholes().size() == 0);
    const nat::MappingKey again = f.map(udp(phone, 16000));
    f.apply();
    f.now += transaction_time;
    f.mappings.expire(f.now, f.changes);
    CHECK_FALSE(f.mappings.find(again));
    f.mappings.cancel();
    CHECK(f.mappings.find(again));
    f.pass(2s);
    CHECK_FALSE(f.mappings.find(again));
}

TEST_CASE("C1 C7 a pinhole is open while it has users") {
    Fixture f;
    const nat::MappingKey key = f.map(udp(phone, 16000));
    CHECK(f.mappings.pinholes().acquire(f.hole(key), f.now + 600s, f.now, f.changes));
    CHECK_FALSE(f.mappings.pinholes().acquire(f.hole(key), f.now + 600s, f.now, f.changes));
    f.apply();
    f.mappings.pinholes().release(f.hole(key), f.changes);
    CHECK(f.changes.empty());
    f.mappings.pinholes().release(f.hole(key), f.changes);
    CHECK(f.changes.size() == 1);
    f.apply();
    CHECK(f.kernel.elements().empty());
    CHECK(f.mappings.take_closed().pinholes == std::vector<Pinhole>{f.hole(key)});
    f.mappings.pinholes().release(f.hole(key), f.changes);
    CHECK(f.changes.empty());
}

TEST_CASE("X8 C8 a timeout is renewed only for a large extension, and is never shortened") {
    Fixture f;
    const nat::MappingKey key = f.map(udp(phone, 5060));
    const Pinhole hole = f.hole(key);
    f.mappings.acquire(key, f.now + 3632s, f.now, f.changes);
    f.mappings.pinholes().acquire(hole, f.now + 3632s, f.now, f.changes);
    f.apply();
    const Time first = f.mappings.pinholes().find(hole)->kernel_until;
    f.mappings.pinholes().extend(hole, first + 20s, f.now, f.changes);
    f.mappings.extend(key, first + 20s, f.now, f.changes);
    CHECK(f.changes.empty());
    f.mappings.pinholes().extend(hole, first + 40s, f.now, f.changes);
    f.mappings.extend(key, first + 40s, f.now, f.changes);
    CHECK(f.changes.size() == 2);
    f.mappings.pinholes().extend(hole, first, f.now, f.changes);  // never shorter
    CHECK(f.changes.size() == 2);
    CHECK(f.mappings.pinholes().find(hole)->kernel_until == first + 40s);
}

TEST_CASE("X7 at the limit lingering ports are freed, and ports in use are not") {
    Fixture f(narrow());
    for (std::uint16_t port = 30000; port < 30004; ++port) {
        const nat::MappingKey key = f.map(udp(phone, port));
        REQUIRE(f.public_port(key) == port);
        f.mappings.acquire(key, f.now + 600s, f.now, f.changes);
    }
    f.apply();
    CHECK(f.mappings.map(udp(phone, 30010), egress, {}, f.now, f.changes) == nullptr);
    CHECK(f.public_port(f.map(udp(other, 30010))) == 30010);
    f.mappings.release(nat::MappingKey{udp(phone, 30001), wan}, f.now, f.changes);
    f.apply();
    CHECK(f.public_port(f.map(udp(phone, 30011))) == 30011);
    CHECK_FALSE(f.mappings.find(nat::MappingKey{udp(phone, 30001), wan}));
}

TEST_CASE(
    "A5 mappings of an earlier daemon are restored; pinholes that no call or binding uses are removed") {
    Fixture f;
    const Mapping left{Transport::udp, {phone, 16000}, {wan, 16500}};
    const Pinhole held{Transport::udp, remote, left.outside}, unheld{Transport::udp, other, left.outside};
    const std::vector<StoredElement> elements{{left, 500s}, {held, 500s}, {unheld, 500s}};
    MappingRestorer restorer(f.mappings, elements, f.now);
    restorer.begin([](const Address&) { return wan; });
    const nat::MappingKey key{udp(phone, 16000), wan};
    CHECK(f.map(udp(phone, 16000)) == key);
    CHECK(f.public_port(key) == 16500);
    f.mappings.acquire(key, f.now + 400s, f.now, f.changes);
    f.mappings.pinholes().acquire(held, f.now + 400s, f.now, f.changes);
    CHECK(f.changes.empty());
    restorer.end(f.changes);
    REQUIRE(f.changes.size() == 1);
    CHECK(f.changes[0].element == Element{unheld});
    f.apply();
    f.mappings.release(key, f.now, f.changes);
    CHECK(f.changes.size() == 1);  // removed with its user
}

TEST_CASE("C9 A3 no public port belongs to two phones, one with UDP and the other with TCP") {
    const Endpoint first{phone, 5060}, second{other, 5060};
    Fixture f;
    CHECK(f.public_port(f.map({Transport::tcp, first})) == 5060);
    CHECK(f.public_port(f.map({Transport::udp, second})) != 5060);
    CHECK(f.public_port(f.map({Transport::udp, first})) == 5060);  // the same phone
    CHECK(f.public_port(f.map({Transport::tcp, {phone, 40000}})) == 40000);
    CHECK(f.public_port(f.map({Transport::udp, {other, 40000}}, {.media = true})) ==
          40000);   // no URI names it
    Fixture given;  // conntrack already has it so
    CHECK(given.public_port(given.map({Transport::udp, first})) == 5060);
    CHECK(given.public_port(given.map({Transport::tcp, second}, {5060, 1, true})) == 5060);
}

}  // namespace sipalg::nat
