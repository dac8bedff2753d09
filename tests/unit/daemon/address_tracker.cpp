#include "alg/daemon/run/address_tracker.hpp"

#include <doctest/doctest.h>

using namespace sipalg;
using namespace sipalg::daemon;

namespace {

Egress at(const char* address, const char* advertised = nullptr) {
    return {*Address::parse(address), *Address::parse(advertised ? advertised : address)};
}

EgressChooser::End end(const char* interface, const char* address, const char* advertised = nullptr) {
    return {1, interface, *address ? at(address, advertised) : Egress{}};
}

std::vector<AddressChange> move(const char* from, const Egress& to) {
    return {{*Address::parse(from), to}};
}

const std::vector<Egress> used{at("203.0.113.1")};

}  // namespace

TEST_CASE("C11 entries follow their interface from its old address to its new one") {
    AddressTracker where;
    where.see({end("wan", "203.0.113.1")});
    CHECK(where.moves(used).empty());
    where.see({end("wan", "203.0.113.2")});
    CHECK(where.moves(used) == move("203.0.113.1", at("203.0.113.2")));
    // Refused by the kernel: the same is to be done, also when the address has changed once more.
    where.see({end("wan", "203.0.113.3")});
    CHECK(where.moves(used) == move("203.0.113.1", at("203.0.113.3")));
    CHECK(where.moves(std::vector{at("203.0.113.3")}).empty());
}

TEST_CASE("C11 flap and renewal: an address that returns at any time has not changed") {
    AddressTracker where;
    where.see({end("wan", "203.0.113.1")});
    where.see({end("wan", "")});
    CHECK(where.moves(used).empty());
    where.see({end("wan", "203.0.113.1")});
    CHECK(where.moves(used).empty());
    where.see({end("wan", "")});
    where.see({end("wan", "203.0.113.2")});
    CHECK(where.moves(used) == move("203.0.113.1", at("203.0.113.2")));
}

TEST_CASE("C11 another --external-address is a change too") {
    AddressTracker where;
    where.see({end("wan", "203.0.113.1", "198.51.100.7")});
    const std::vector before{at("203.0.113.1", "198.51.100.7")};
    CHECK(where.moves(before).empty());
    where.see({end("wan", "203.0.113.1", "198.51.100.8")});
    CHECK(where.moves(before) == move("203.0.113.1", at("203.0.113.1", "198.51.100.8")));
    // At a restart, some name the new one already.
    const std::vector mixed{at("203.0.113.1", "198.51.100.7"), at("203.0.113.1", "198.51.100.8")};
    CHECK(where.moves(mixed) == move("203.0.113.1", at("203.0.113.1", "198.51.100.8")));
}

TEST_CASE("C11 N1 the default route goes to another interface, and one of several uplinks goes down") {
    AddressTracker where;
    where.see({end("dsl", "203.0.113.1")});
    where.see({end("lte", "198.51.100.1")});
    CHECK(where.moves(used) == move("203.0.113.1", at("198.51.100.1")));

    AddressTracker two;
    two.see({end("dsl", "203.0.113.1"), end("lte", "198.51.100.1")});
    two.see({end("lte", "198.51.100.1")});
    CHECK(two.moves(used).empty());
    two.see({end("dsl", "203.0.113.9"), end("lte", "198.51.100.1")});
    CHECK(two.moves(used) == move("203.0.113.1", at("203.0.113.9")));
}

TEST_CASE("C11 A5 entries of an earlier daemon move only if the new address is unambiguous") {
    AddressTracker where;
    where.see({end("wan", "")});
    CHECK(where.moves(used).empty());
    where.see({end("wan", "203.0.113.2")});
    CHECK(where.moves(used) == move("203.0.113.1", at("203.0.113.2")));

    AddressTracker two;
    two.see({end("dsl", "203.0.113.2"), end("lte", "198.51.100.1")});
    CHECK(two.moves(used).empty());
    const std::vector both{at("198.51.100.1"), at("203.0.113.1")};
    CHECK(two.moves(both) == move("203.0.113.1", at("203.0.113.2")));
}
