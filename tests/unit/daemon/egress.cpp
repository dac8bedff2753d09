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
    const Egress egress = routes.chooser.choose(Side::inside, packet("192.168.1.10", "192.0.2.1"), 4, 0);
    CHECK(egress.address.text() == "203.0.113.1");
    CHECK(egress.advertised.text() == "203.0.113.1");
    CHECK(routes.asked == 0);
}

TEST_CASE("with several interfaces the kernel is asked once for both directions of a pair") {
    Routes routes;
    routes.chooser.set(two_uplinks(), {"dsl", "lte"}, {});
    CHECK(routes.chooser.choose(Side::inside, packet("192.168.1.10", "192.0.2.1"), 4, 0).address.text() ==
          "198.51.100.1");
    CHECK(routes.chooser.choose(Side::outside, packet("192.0.2.1", "192.168.1.10"), 3, 4).address.text() ==
          "198.51.100.1");
    CHECK(routes.asked == 1);
    routes.answer = 2;
    routes.chooser.flush();
    CHECK(routes.chooser.choose(Side::inside, packet("192.168.1.10", "192.0.2.1"), 4, 0).address.text() ==
          "203.0.113.1");
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
    CHECK_FALSE(routes.chooser.choose(Side::inside, packet("192.168.1.10", "192.0.2.1"), 4, 0).address);
    CHECK(routes.chooser.choose(Side::outside, packet("192.0.2.1", "192.168.1.10"), 2, 4).address.text() ==
          "203.0.113.1");
}

TEST_CASE("with several interfaces only IPv4 packets have an egress") {
    Routes routes;
    routes.chooser.set(two_uplinks(), {"dsl", "lte"}, {});
    const std::array<std::uint8_t, 3> scrap{0x45, 0, 0};
    CHECK_FALSE(routes.chooser.choose(Side::inside, scrap, 4, 0).address);
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
        const Egress out = routes.chooser.choose(Side::inside, packet(phone, "192.0.2.1"), 4, 0);
        const Egress in = routes.chooser.choose(Side::outside, packet("192.0.2.1", phone), 2, 4);
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
