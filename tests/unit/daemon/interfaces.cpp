#include "alg/daemon/run/interfaces.hpp"

#include <doctest/doctest.h>

#include <algorithm>

using namespace sipalg;
using namespace sipalg::daemon;

namespace {

InterfaceAddress address(const char* text, bool secondary = false, bool global = true,
                         const char* broadcast = "") {
    return {*Address::parse(text), Address::parse(broadcast).value_or(Address{}), secondary, global};
}

Interfaces router() {
    Interfaces interfaces;
    interfaces.all = {{1, "lo", true, {address("127.0.0.1", false, false)}},
                      {2, "wan", false, {address("203.0.113.1", false, true, "203.0.113.255")}},
                      {3, "lan", false, {address("192.168.1.1"), address("fe80::1", false, false)}}};
    interfaces.default_routes = {2, 2};
    return interfaces;
}

}  // namespace

TEST_CASE("the primary address is a global IPv4 one; a secondary one is used only if there is no other") {
    CHECK(Interface{2, "a", false, {address("fe80::1"), address("10.0.0.2", true), address("10.0.0.1")}}
              .primary()
              .text() == "10.0.0.1");
    CHECK(Interface{2, "a", false, {address("169.254.0.1", false, false), address("10.0.0.2", true)}}
              .primary()
              .text() == "10.0.0.2");
    CHECK_FALSE(Interface{2, "a", false, {address("2001:db8::1")}}.primary());
    CHECK_FALSE(Interface{}.primary());
}

TEST_CASE("outside and inside by default routes") {
    const Interfaces interfaces = router();
    CHECK(interfaces.with_default_route() == std::vector<std::string>{"wan"});
    CHECK(interfaces.without({"wan"}) == std::vector<std::string>{"lan"});
    CHECK(interfaces.find("lan")->index == 3);
    CHECK(interfaces.find(2)->name == "wan");
    CHECK(interfaces.find("nix") == nullptr);
    CHECK(interfaces.find(99) == nullptr);
}

TEST_CASE("own addresses are all addresses and broadcast addresses, each once") {
    Interfaces interfaces = router();
    interfaces.all.push_back({4, "dup", false, {address("192.168.1.1")}});
    std::vector<std::string> texts;
    for (const Address& own : interfaces.own_addresses())
        texts.push_back(own.text());
    CHECK(texts.size() == 5);
    for (const char* expected : {"127.0.0.1", "203.0.113.1", "203.0.113.255", "192.168.1.1", "fe80::1"})
        CHECK(std::find(texts.begin(), texts.end(), expected) != texts.end());
}
