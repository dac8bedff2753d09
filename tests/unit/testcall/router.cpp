#include "alg/testcall/router.hpp"

#include <doctest/doctest.h>

#include <stdexcept>

using namespace sipalg;
using namespace sipalg::testcall;

namespace {

constexpr const char* addresses = R"([
    {"ifname": "lo", "flags": ["LOOPBACK", "UP"], "mtu": 65536, "addr_info": [{"local": "127.0.0.1", "prefixlen": 8}]},
    {"ifname": "ppp0", "flags": ["POINTOPOINT", "UP"], "mtu": 1492, "link_type": "ppp", "addr_info":
        [{"family": "inet", "local": "203.0.113.5", "address": "203.0.113.254", "prefixlen": 32, "scope": "global"}]},
    {"ifname": "br0", "flags": ["UP"], "mtu": 1500, "link_type": "ether", "address": "02:00:00:00:00:01",
        "linkinfo": {"info_kind": "bridge"}, "addr_info":
        [{"family": "inet", "local": "192.168.1.254", "prefixlen": 24, "scope": "global"},
         {"family": "inet6", "local": "2001:db8:1::1", "prefixlen": 64, "scope": "global"},
         {"family": "inet6", "local": "fe80::1", "prefixlen": 64, "scope": "link"}]},
    {"ifname": "guest", "flags": ["UP"], "addr_info": [{"local": "10.0.7.1", "prefixlen": 16, "scope": "global"}]},
    {"ifname": "down", "flags": [], "addr_info": [{"local": "10.9.0.1", "prefixlen": 16, "scope": "global"}]}])";

Ends choose(const EndHints& hints) {
    Router router;
    router.interfaces = read_interfaces(addresses);
    return choose_ends(router, hints, "ppp0", *Address::parse("203.0.113.254"));
}

}  // namespace

TEST_CASE("O3 the interfaces of the router, without loopback and link-local addresses") {
    const auto all = read_interfaces(addresses);
    REQUIRE(all.size() == 4);
    CHECK(all[0].name == "ppp0");
    CHECK(all[0].addresses.at(0).words == "203.0.113.5 peer 203.0.113.254/32");
    CHECK(all[0].hardware_address.empty());
    CHECK(all[1].kind == "bridge");
    CHECK(all[1].hardware_address == "02:00:00:00:00:01");
    REQUIRE(all[1].addresses.size() == 2);
    CHECK(all[1].addresses[0].words == "192.168.1.254/24");
    CHECK_FALSE(all[3].up);
    CHECK_THROWS_AS(static_cast<void>(read_interfaces("ip: unrecognized option '-j'")), std::runtime_error);
}

TEST_CASE("O3 the routes and rules that the owner has made") {
    const auto routes = read_routes(
        "default via 203.0.113.254 dev ppp0 nhid 7 linkdown\n"
        "default proto static metric 5 \\\tnexthop via 10.0.7.9 dev guest weight 1 \\\tnexthop dev ppp0\n"
        "192.168.1.0/24 dev br0 proto kernel scope link src 192.168.1.254\n"
        "local 192.168.1.254 dev br0 table local proto kernel scope host\n"
        "broadcast 192.168.1.255 dev br0 table local\nfe80::/64 dev br0 proto kernel metric 256 pref medium\n"
        "10.3.0.0/16 via 10.0.7.2 dev guest table 100 expires 30sec\n");
    REQUIRE(routes.size() == 4);
    CHECK(routes[0] == Words{"default", "via", "203.0.113.254", "dev", "ppp0"});
    CHECK(routes[1].at(5) == "nexthop");
    CHECK(routes[3] == Words{"10.3.0.0/16", "via", "10.0.7.2", "dev", "guest", "table", "100"});
    const auto rules = read_rules(
        "0:\tfrom all lookup local\n100:\tfrom all fwmark 0x1 lookup 100 [detached]\n"
        "32766:\tfrom all lookup main\n");
    REQUIRE(rules.size() == 1);
    CHECK(rules[0] == Words{"pref", "100", "from", "all", "fwmark", "0x1", "lookup", "100"});
}

TEST_CASE("O3 the phone of the test call: the named one, a registered neighbour, a free address") {
    EndHints hints;
    CHECK(choose(hints).phone.text() == "192.168.1.253");  // the router has .254
    CHECK(choose(hints).inside == "br0");
    CHECK(choose(hints).router_inside.text() == "192.168.1.254");
    CHECK(choose(hints).provider.text() == "198.51.100.10");
    CHECK(choose(hints).media.text() == "198.51.100.11");
    CHECK(choose(hints).router_outside.text() == "203.0.113.5");
    hints.inside = {"guest"};
    CHECK(choose(hints).phone.text() == "10.0.255.254");
    hints.inside.clear();
    hints.known_phone = Address::parse("10.0.7.44");
    CHECK(choose(hints).inside == "guest");
    hints.known_phone = Address::parse("172.16.0.9");  // behind another router
    CHECK(choose(hints).inside == "br0");
    hints.phone = Address::parse("10.0.7.45");
    CHECK(choose(hints).phone.text() == "10.0.7.45");
    for (const char* wrong : {"172.16.0.9", "10.9.0.7", "192.168.1.254", "2001:db8::1"}) {
        hints.phone = Address::parse(wrong);
        CHECK_THROWS_AS(static_cast<void>(choose(hints)), std::runtime_error);
    }
}

TEST_CASE("O3 the ends of a test call over IPv6") {
    EndHints hints;
    hints.family = Family::v6;
    CHECK(choose(hints).phone.text() == "2001:db8:1::7e57:ca11");
    CHECK(choose(hints).router_inside.text() == "2001:db8:1::1");
    CHECK(choose(hints).provider.text() == "2001:db8:5e57::10");
    CHECK(choose(hints).media.text() == "2001:db8:5e57::11");
    CHECK_FALSE(choose(hints).router_outside);
    hints.phone = Address::parse("2001:db8:1:0:ffff::1");
    CHECK(choose(hints).inside == "br0");
    for (const char* wrong : {"2001:db8:1:1::1", "2001:db8:1::1", "192.168.1.9"}) {
        hints.phone = Address::parse(wrong);
        CHECK_THROWS_AS(static_cast<void>(choose(hints)), std::runtime_error);
    }
}
