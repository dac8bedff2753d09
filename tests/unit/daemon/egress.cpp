#include "alg/daemon/run/egress.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>

using namespace sipalg;
using namespace sipalg::daemon;

namespace {

Interfaces two_uplinks() {
    const auto v4 = [](const char* text) { return InterfaceAddress{*Address::parse(text), {}, false, true}; };
    Interfaces interfaces;
    interfaces.all = {{2, "dsl", false, {v4("203.0.113.1")}},
                      {3, "lte", false, {v4("198.51.100.1")}},
                      {4, "lan", false, {v4("192.168.1.1")}}};
    return interfaces;
}

std::array<std::uint8_t, 28> packet(const char* from, const char* to) {
    std::array<std::uint8_t, 28> bytes{};
    bytes[0] = 0x45;
    std::copy_n(Address::parse(from)->bytes().begin(), 4, bytes.begin() + 12);
    std::copy_n(Address::parse(to)->bytes().begin(), 4, bytes.begin() + 16);
    return bytes;
}

struct Routes {
    int asked = 0;
    unsigned answer = 3;
    EgressChooser chooser{[this](const RouteQuery& query) -> std::optional<unsigned> {
        ++asked;
        CHECK(query.phone.text() == "192.168.1.10");
        CHECK(query.in_interface == 4);
        return answer == 0 ? std::nullopt : std::optional(answer);
    }};
};

}  // namespace

TEST_CASE("with one outside interface its address is used without asking the kernel") {
    Routes routes;
    routes.chooser.set(two_uplinks(), {"dsl"}, {});
    const Egress egress =
        routes.chooser.choose(Side::inside, packet("192.168.1.10", "192.0.2.1"), 4, 0).egress;
    CHECK(egress.address.text() == "203.0.113.1");
    CHECK(egress.advertised.text() == "203.0.113.1");
    CHECK(routes.asked == 0);
}

TEST_CASE("with several interfaces the kernel is asked once for both directions of a pair") {
    Routes routes;
    routes.chooser.set(two_uplinks(), {"dsl", "lte"}, {});
    CHECK(routes.chooser.choose(Side::inside, packet("192.168.1.10", "192.0.2.1"), 4, 0)
              .egress.address.text() == "198.51.100.1");
    CHECK(routes.chooser.choose(Side::outside, packet("192.0.2.1", "192.168.1.10"), 3, 4)
              .egress.address.text() == "198.51.100.1");
    CHECK(routes.asked == 1);
    routes.answer = 2;
    routes.chooser.flush();
    CHECK(routes.chooser.choose(Side::inside, packet("192.168.1.10", "192.0.2.1"), 4, 0)
              .egress.address.text() == "203.0.113.1");
    CHECK(routes.asked == 2);
}

TEST_CASE("N1: an egress names its interface if another interface has another address") {
    const auto interfaces_of = [](const Interfaces& interfaces, const std::vector<std::string>& outside,
                                  const std::vector<Address>& external = {}) {
        EgressChooser chooser{[](const RouteQuery&) { return std::optional<unsigned>(); }};
        chooser.set(interfaces, outside, external);
        std::string names;
        for (const EgressChooser::End& end : chooser.ends())
            names += std::string(end.egress.interface.text()) + ";";
        return names;
    };
    Interfaces interfaces = two_uplinks();
    CHECK(interfaces_of(interfaces, {"dsl"}) == ";");
    CHECK(interfaces_of(interfaces, {"dsl", "lte"}) == "dsl;lte;");
    CHECK(interfaces_of(interfaces, {"dsl", "down"}) == ";;");  // which has no address yet
    interfaces.all.push_back({5, "dsl2", false, interfaces.all[0].addresses});
    CHECK(interfaces_of(interfaces, {"dsl", "dsl2"}) == ";;");
    CHECK(interfaces_of(interfaces, {"dsl", "dsl2", "lte"}) == ";;lte;");
}

TEST_CASE("without a route there is no address, unless the packet came in by an outside interface") {
    Routes routes;
    routes.answer = 0;
    routes.chooser.set(two_uplinks(), {"dsl", "lte"}, {});
    CHECK_FALSE(
        routes.chooser.choose(Side::inside, packet("192.168.1.10", "192.0.2.1"), 4, 0).egress.address);
    CHECK(routes.chooser.choose(Side::outside, packet("192.0.2.1", "192.168.1.10"), 2, 4)
              .egress.address.text() == "203.0.113.1");
}

TEST_CASE("with several interfaces only IPv4 packets have an egress") {
    Routes routes;
    routes.chooser.set(two_uplinks(), {"dsl", "lte"}, {});
    const std::array<std::uint8_t, 3> scrap{0x45, 0, 0};
    CHECK_FALSE(routes.chooser.choose(Side::inside, scrap, 4, 0).egress.address);
    CHECK(routes.asked == 0);
}

TEST_CASE("the cache has a limit") {
    int asked = 0;
    EgressChooser chooser([&](const RouteQuery&) { return ++asked, std::optional(2u); });
    chooser.set(two_uplinks(), {"dsl", "lte"}, {});
    const auto ask = [&](std::uint32_t n) {
        chooser.choose(Side::inside, packet("192.168.1.10", Address::v4(0x0A000000 + n).text().c_str()), 4,
                       0);
    };
    for (std::uint32_t n = 0; n <= EgressChooser::most_routes; ++n)
        ask(n);
    const int before = asked;
    ask(0);  // was forgotten when the last one did not fit
    CHECK(asked == before + 1);
}

TEST_CASE("external addresses: one for all, or one for each; none without an interface address") {
    Routes routes;
    const Address a = *Address::parse("192.0.2.7"), b = *Address::parse("192.0.2.8");
    routes.chooser.set(two_uplinks(), {"dsl", "lte", "gone"}, {a});
    CHECK(routes.chooser.ends()[0].egress.advertised == a);
    CHECK(routes.chooser.ends()[1].egress.advertised == a);
    CHECK(routes.chooser.ends()[1].egress.address.text() == "198.51.100.1");
    CHECK_FALSE(routes.chooser.ends()[2].egress.address);
    CHECK_FALSE(routes.chooser.ends()[2].egress.advertised);
    routes.chooser.set(two_uplinks(), {"dsl", "lte"}, {a, b});
    CHECK(routes.chooser.ends()[0].egress.advertised == a);
    CHECK(routes.chooser.ends()[1].egress.advertised == b);
}

TEST_CASE("N1 an external address that an outside interface holds is the one to translate to") {
    Routes routes;
    Interfaces interfaces = two_uplinks();
    const Address shared = *Address::parse("203.0.113.9");
    interfaces.all[0].addresses.push_back({shared, {}, true, true});
    routes.chooser.set(interfaces, {"dsl", "lte"}, {shared});
    CHECK(routes.chooser.ends()[0].egress == Egress{shared, shared});
    const Address other = *Address::parse("198.51.100.1");
    CHECK(routes.chooser.ends()[1].egress == Egress{other, other});  // it can't leave there with the other's
    // An address of an interface that is not outside leaves by each.
    const Address routed = *Address::parse("192.0.2.1");
    interfaces.all.push_back({9, "lo", true, {{routed, {}, false, true}}});
    routes.chooser.set(interfaces, {"dsl", "lte"}, {routed});
    for (const EgressChooser::End& end : routes.chooser.ends()) {
        CHECK(end.egress == Egress{routed, routed});
        CHECK(end.egress.interface.empty());
    }
    // Another router has taken it: it is only written, until it comes back.
    routes.chooser.set(two_uplinks(), {"dsl"}, {shared});
    CHECK(routes.chooser.ends()[0].egress == Egress{*Address::parse("203.0.113.1"), shared});
}

TEST_CASE("N2 phones that are not translated keep their address in both directions") {
    Routes routes;
    routes.chooser.set(two_uplinks(), {"dsl"}, {});
    const auto egress = [&](const char* phone) {
        const Egress out = routes.chooser.choose(Side::inside, packet(phone, "192.0.2.1"), 4, 0).egress;
        const Egress in = routes.chooser.choose(Side::outside, packet("192.0.2.1", phone), 2, 4).egress;
        CHECK(out == in);
        CHECK(out.address == out.advertised);
        return out.address.text();
    };
    CHECK(egress("192.168.1.10") == "203.0.113.1");
    CHECK(egress("198.51.100.77") == "198.51.100.77");
    Treatments treatments;
    treatments.nat = Nat::yes;
    routes.chooser.set_treatments(treatments);
    CHECK(egress("198.51.100.77") == "203.0.113.1");
    treatments.phones.push_back({*Prefix::parse("192.168.1.10"), {}});
    treatments.phones[0].treatment.nat = Nat::no;
    routes.chooser.set_treatments(treatments);
    CHECK(egress("192.168.1.10") == "192.168.1.10");
    CHECK(egress("192.168.1.11") == "203.0.113.1");
}

namespace {

/// The uplinks of flows, as the kernel would have noted them.
struct Flows : FlowUplinks {
    std::optional<Address> public_address(const ConntrackTuple&) override { return connected; }
    std::optional<std::string> uplink_of(const ConntrackTuple&) override { return noted; }
    bool ask_uplink(const ConntrackTuple& flow) override {
        asked.push_back(flow);
        return !refuses;
    }
    std::optional<Address> connected;
    std::optional<std::string> noted;
    std::vector<ConntrackTuple> asked;
    bool refuses = false;
};

std::array<std::uint8_t, 28> udp_packet(const char* from, const char* to) {
    auto bytes = packet(from, to);
    bytes[3] = 28;
    bytes[9] = 17;
    bytes[20] = bytes[22] = 0x13;
    bytes[21] = bytes[23] = 0xc4;  // port 5060
    bytes[25] = 8;
    return bytes;
}

}  // namespace

TEST_CASE("A9 where marks decide, a flow's uplink is that of its connection or the one that was noted") {
    Routes routes;
    routes.answer = 2;
    Flows flows;
    Interfaces interfaces = two_uplinks();
    interfaces.marks_decide = true;
    routes.chooser.set(interfaces, {"dsl", "lte"}, {});
    routes.chooser.set_flows(&flows);
    const auto outward = udp_packet("192.168.1.10", "192.0.2.1");
    const auto choose = [&] { return routes.chooser.choose(Side::inside, outward, 4, 0); };

    CHECK(choose().undecided);
    REQUIRE(flows.asked.size() == 1);
    CHECK(flows.asked[0] == ConntrackTuple{Transport::udp, *Endpoint::parse("192.168.1.10:5060"),
                                           *Endpoint::parse("192.0.2.1:5060")});
    flows.noted = "lte";
    CHECK(choose().egress.address.text() == "198.51.100.1");
    flows.connected = *Address::parse("203.0.113.1");
    CHECK(choose().egress.address.text() == "203.0.113.1");
    flows.connected = *Address::parse("192.0.2.99");  // an address that is gone
    routes.answer = 3;
    CHECK(choose().egress.address.text() == "198.51.100.1");
    CHECK(flows.asked.size() == 1);
    routes.answer = 2;
    routes.asked = 0;
    routes.chooser.flush();
    flows.noted = "lan";  // not outside
    flows.connected.reset();
    CHECK_FALSE(choose().undecided);
    CHECK_FALSE(choose().egress.address);
    CHECK(routes.asked == 0);
    // A packet from outside is at the uplink by which it came.
    CHECK(routes.chooser.choose(Side::outside, udp_packet("192.0.2.1", "192.168.1.10"), 3, 4)
              .egress.address.text() == "198.51.100.1");

    flows.noted.reset();
    SUBCASE("refused: as without marks") {
        flows.refuses = true;
    }
    SUBCASE("without marks") {
        interfaces.marks_decide = false;
        routes.chooser.set(interfaces, {"dsl", "lte"}, {});
    }
    SUBCASE("O7 nothing is dropped in mode observe") {
        Treatments treatments;
        treatments.mode = Mode::observe;
        routes.chooser.set_treatments(treatments);
    }
    CHECK_FALSE(choose().undecided);
    CHECK(choose().egress.address.text() == "203.0.113.1");
}
