#include "alg/daemon/run/static_phones.hpp"

#include <doctest/doctest.h>

using namespace sipalg;
using namespace sipalg::daemon;

namespace {

struct Yes : Kernel {
    std::size_t asked = 0;
    void erase(std::span<const ConntrackTuple>) override {}
    Result<> apply(std::span<const Change>) override {
        ++asked;
        return {};
    }
    std::optional<std::uint16_t> inside_port(const PortQuestion&) override { return std::nullopt; }
};

Treatments static_phones() {
    Treatments treatments;
    for (const char* phone : {"192.168.1.10", "2001:db8::10"}) {
        Section& section = treatments.phones.emplace_back(Section{*Prefix::parse(phone), {}});
        section.treatment.listen = {5060};
    }
    Section& peer = treatments.peers.emplace_back(Section{*Prefix::parse("203.0.113.10"), {}});
    peer.treatment.allowed = true;
    return treatments;
}

EgressChooser::End end(const char* interface, const char* address, const char* advertised) {
    return {1, interface, {*Address::parse(address), *Address::parse(advertised)}};
}

}  // namespace

TEST_CASE("N3 N1 a phone is reachable at every outside address, or at its own if it is not translated") {
    std::vector<EgressChooser::End> ends{end("dsl", "203.0.113.1", "203.0.113.1"),
                                         end("lte", "10.0.0.2", "198.51.100.1")};
    ends.push_back({});
    const auto wanted = static_endpoints(static_phones(), ends);
    REQUIRE(wanted.size() == 6);
    CHECK(wanted[0].inside == Socket{Transport::udp, *Endpoint::parse("192.168.1.10:5060")});
    CHECK(wanted[0].egress == ends[0].egress);
    CHECK(wanted[1].egress == ends[1].egress);
    CHECK(wanted[2].inside == Socket{Transport::tcp, *Endpoint::parse("192.168.1.10:5060")});
    CHECK(wanted[4].egress.address == *Address::parse("2001:db8::10"));
    CHECK(static_endpoints({}, ends).empty());
}

TEST_CASE("N3 X8 the mapping is renewed in time, and at once after a change") {
    Policy policy;
    policy.treatments = static_phones();
    State state(policy);
    Yes kernel;
    Engine engine(state, kernel);
    StaticPhones phones;
    Time now{1'000'000};
    CHECK_FALSE(phones.advance(engine, now));
    const auto wanted = static_endpoints(policy.treatments, {end("dsl", "203.0.113.1", "203.0.113.1")});
    phones.set(wanted);
    for (int i = 0; i < 10; ++i) {
        const auto next = phones.advance(engine, now);
        REQUIRE(next);
        CHECK(*next == now + StaticPhones::every);
        CHECK(phones.advance(engine, now) == next);
        CHECK(totals(state).mappings == 4);
        engine.advance(now);
        now = *next;
    }
    const std::size_t asked = kernel.asked;
    CHECK(asked > 1);
    phones.set({});
    CHECK_FALSE(phones.advance(engine, now));
    for (int i = 0; i < 100; ++i)
        if (const auto next = engine.advance(now)) now = std::max(now, *next);
    CHECK(totals(state).mappings == 0);
}
