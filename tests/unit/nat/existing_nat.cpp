#include "alg/nat/existing_nat.hpp"

#include <doctest/doctest.h>

#include "alg/nat/mappings.hpp"

namespace sipalg::nat {

namespace {

const Address wan = Address::v4(0xCB007101);
const Egress egress{wan, wan};

Mapping mapping(std::uint8_t host, std::uint16_t inside, std::uint16_t outside) {
    return {Transport::udp, {Address::v4(0xC0A80100U + host), inside}, {wan, outside}};
}
nat::MappingKey key(const Mapping& m) {
    return {{m.transport, m.inside}, m.outside.address};
}

/// One whole sweep.
void sweep(nat::ExistingNat& masquerade, const std::vector<Mapping>& flows, bool signalling = false) {
    masquerade.begin();
    for (const Mapping& flow : flows)
        masquerade.seen(flow, true, signalling);
    masquerade.end();
}

}  // namespace

TEST_CASE("C12 what a sweep does not see any more is forgotten when it ends, not before") {
    nat::ExistingNat masquerade;
    const Mapping flow = mapping(10, 5060, 1024);
    sweep(masquerade, {flow});
    REQUIRE(masquerade.find(key(flow)));
    CHECK(masquerade.find(key(flow))->port == 1024);
    masquerade.begin();
    CHECK(masquerade.find(key(flow)));
    masquerade.end();
    CHECK_FALSE(masquerade.find(key(flow)));
    CHECK_FALSE(masquerade.find_public({Transport::udp, flow.outside}));
    CHECK(masquerade.empty());
}

TEST_CASE("C12 of several public ports the one that signalling uses counts, in any order") {
    nat::ExistingNat masquerade;
    const Mapping stun = mapping(10, 5060, 2000), provider = mapping(10, 5060, 1024);
    for (const bool stun_first : {true, false}) {
        masquerade.begin();
        if (stun_first) masquerade.seen(stun, true, false);
        masquerade.seen(provider, true, true);
        if (!stun_first) masquerade.seen(stun, true, false);
        masquerade.end();
        CHECK(masquerade.find(key(provider))->port == 1024);
        CHECK(masquerade.find_public({Transport::udp, stun.outside}));
    }
}

TEST_CASE("X1 a public port that two hosts use towards different peers stays the first one's") {
    nat::ExistingNat masquerade;
    sweep(masquerade, {mapping(10, 5060, 5060), mapping(11, 5060, 5060)});
    CHECK(*masquerade.find_public({Transport::udp, {wan, 5060}}) == mapping(10, 5060, 5060).inside);
    CHECK_FALSE(masquerade.find(key(mapping(11, 5060, 5060))));
}

TEST_CASE("X7 what is known of the owner's NAT is bounded; what is known stays") {
    nat::ExistingNat masquerade;
    masquerade.begin();
    for (std::size_t i = 0; i < nat::ExistingNat::most + 100; ++i)
        masquerade.seen(mapping(static_cast<std::uint8_t>(10 + i % 10), static_cast<std::uint16_t>(2000 + i),
                                static_cast<std::uint16_t>(2000 + i)),
                        true, true);
    masquerade.end();
    CHECK(masquerade.find_public({Transport::udp, {wan, 2000}}));
    CHECK(masquerade.find_public({Transport::udp, {wan, 2000 + nat::ExistingNat::most - 1}}));
    CHECK_FALSE(masquerade.find_public({Transport::udp, {wan, 2000 + nat::ExistingNat::most}}));
}

TEST_CASE("X7 C12 a host with thousands of flows leaves room for what phones have") {
    nat::ExistingNat masquerade;
    for (int round = 0; round < 2; ++round) {
        masquerade.begin();
        for (std::uint16_t port = 2000; port < 20000; ++port)
            masquerade.seen(mapping(66, port, port), true, false);
        masquerade.seen(mapping(10, 5060, 30000), true, true);
        masquerade.end();
        CHECK(masquerade.find_public({Transport::udp, {wan, 2000 + nat::ExistingNat::most_of_a_host - 1}}));
        CHECK_FALSE(masquerade.find_public({Transport::udp, {wan, 2000 + nat::ExistingNat::most_of_a_host}}));
        REQUIRE(masquerade.find(key(mapping(10, 5060, 30000))));
    }
    // When they have gone, others are known again.
    masquerade.begin();
    masquerade.end();
    sweep(masquerade, {mapping(66, 40000, 40000)});
    CHECK(masquerade.find_public({Transport::udp, {wan, 40000}}));
}

TEST_CASE("A3 a port that another host's flows use is not free, one's own is preferred") {
    const Policy policy;
    nat::Mappings mappings(policy);
    sweep(mappings.existing_nat(), {mapping(10, 16000, 40000), mapping(11, 16000, 16000)});
    const Time now{1000};
    const auto port = [&](std::uint8_t host, std::uint16_t inside) {
        const nat::MappingEntry* entry =
            mappings.map({Transport::udp, {Address::v4(0xC0A80100U + host), inside}}, egress, {}, now);
        return entry ? entry->mapping.outside.port : std::uint16_t{0};
    };
    CHECK(port(10, 16000) == 40000);
    CHECK(port(12, 16000) == policy.media_low);
    CHECK(port(11, 16000) == 16000);
    CHECK(port(12, 40001) == 40001);
}

TEST_CASE("A3 a phone's own RTCP flow does not keep its RTP from its port") {
    const Policy policy;
    nat::Mappings mappings(policy);
    sweep(mappings.existing_nat(), {mapping(10, 16001, 16001)});
    const nat::MappingEntry* entry = mappings.map({Transport::udp, {Address::v4(0xC0A8010A), 16000}}, egress,
                                                  {0, true, false}, Time{1000});
    REQUIRE(entry);
    CHECK(entry->mapping.outside.port == 16000);
}

}  // namespace sipalg::nat
