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
MappingKey key(const Mapping& m) {
    return {{m.transport, m.inside}, m.outside.address};
}

/// One whole scan.
void scan(ExistingNat& nat, const std::vector<Mapping>& flows, bool signalling = false) {
    nat.begin();
    for (const Mapping& flow : flows)
        nat.note(flow, true, signalling);
    nat.end();
}

}  // namespace

TEST_CASE("C12 a mapping that a scan does not report is removed at the end of the scan, not before") {
    constexpr Limits limits;
    ExistingNat nat(limits);
    const Mapping flow = mapping(10, 5060, 1024);
    scan(nat, {flow});
    REQUIRE(nat.find(key(flow)));
    CHECK(nat.find(key(flow))->port == 1024);
    nat.begin();
    CHECK(nat.find(key(flow)));
    nat.end();
    CHECK_FALSE(nat.find(key(flow)));
    CHECK_FALSE(nat.find_public({Transport::udp, flow.outside}));
    CHECK(nat.empty());
}

TEST_CASE("C12 if there are several public ports, the one of signalling counts, in any order") {
    constexpr Limits limits;
    ExistingNat nat(limits);
    const Mapping stun = mapping(10, 5060, 2000), provider = mapping(10, 5060, 1024);
    for (const bool stun_first : {true, false}) {
        nat.begin();
        if (stun_first) nat.note(stun, true, false);
        nat.note(provider, true, true);
        if (!stun_first) nat.note(stun, true, false);
        nat.end();
        CHECK(nat.find(key(provider))->port == 1024);
        CHECK(nat.find_public({Transport::udp, stun.outside}));
    }
}

TEST_CASE("X1 a public port that two hosts use towards different peers belongs to the first one") {
    constexpr Limits limits;
    ExistingNat nat(limits);
    scan(nat, {mapping(10, 5060, 5060), mapping(11, 5060, 5060)});
    CHECK(*nat.find_public({Transport::udp, {wan, 5060}}) == mapping(10, 5060, 5060).inside);
    CHECK_FALSE(nat.find(key(mapping(11, 5060, 5060))));
}

TEST_CASE("X7 the table of existing NAT has a limit, at which entries stay") {
    constexpr Limits limits;
    ExistingNat nat(limits);
    nat.begin();
    for (std::size_t i = 0; i < limits.max_existing_nat + 100; ++i)
        nat.note(mapping(static_cast<std::uint8_t>(10 + i % 10), static_cast<std::uint16_t>(2000 + i),
                         static_cast<std::uint16_t>(2000 + i)),
                 true, true);
    nat.end();
    CHECK(nat.find_public({Transport::udp, {wan, 2000}}));
    CHECK(nat.find_public({Transport::udp, {wan, 2000 + limits.max_existing_nat - 1}}));
    CHECK_FALSE(nat.find_public({Transport::udp, {wan, 2000 + limits.max_existing_nat}}));
}

TEST_CASE("X7 the owner can set the limits of existing NAT") {
    Limits limits;
    limits.max_existing_nat = 3;
    limits.max_existing_nat_per_phone = 2;
    ExistingNat nat(limits);
    scan(nat, {mapping(10, 2000, 2000), mapping(10, 2001, 2001), mapping(10, 2002, 2002),
               mapping(11, 3000, 3000), mapping(12, 4000, 4000)});
    CHECK(nat.size() == 3);
    CHECK(nat.largest_share() == 2);
    CHECK(nat.find_public({Transport::udp, {wan, 3000}}));
    CHECK_FALSE(nat.find_public({Transport::udp, {wan, 2002}}));
}

TEST_CASE("X7 C12 a host with thousands of flows leaves room for phones") {
    constexpr Limits limits;
    ExistingNat nat(limits);
    for (int round = 0; round < 2; ++round) {
        nat.begin();
        for (std::uint16_t port = 2000; port < 20000; ++port)
            nat.note(mapping(66, port, port), true, false);
        nat.note(mapping(10, 5060, 30000), true, true);
        nat.end();
        CHECK(nat.find_public({Transport::udp, {wan, 2000 + limits.max_existing_nat_per_phone - 1}}));
        CHECK_FALSE(nat.find_public({Transport::udp, {wan, 2000 + limits.max_existing_nat_per_phone}}));
        REQUIRE(nat.find(key(mapping(10, 5060, 30000))));
    }
    // When they are gone, there is room for others.
    nat.begin();
    nat.end();
    scan(nat, {mapping(66, 40000, 40000)});
    CHECK(nat.find_public({Transport::udp, {wan, 40000}}));
}

TEST_CASE("A3 a port that another host's flows use is not free; the phone's own is preferred") {
    const Policy policy;
    const Hosts hosts;
    Mappings mappings(policy, hosts);
    scan(mappings.existing_nat(), {mapping(10, 16000, 40000), mapping(11, 16000, 16000)});
    const Time now{1000};
    std::vector<Change> unused;
    const auto port = [&](std::uint8_t host, std::uint16_t inside) {
        const MappingEntry* entry = mappings.map({Transport::udp, {Address::v4(0xC0A80100U + host), inside}},
                                                 egress, {}, now, unused);
        return entry ? entry->mapping.outside.port : std::uint16_t{0};
    };
    CHECK(port(10, 16000) == 40000);
    CHECK(port(12, 16000) == policy.media_low);
    CHECK(port(11, 16000) == 16000);
    CHECK(port(12, 40001) == 40001);
}

TEST_CASE("A3 a phone's own RTCP flow does not block the port of its RTP") {
    const Policy policy;
    const Hosts hosts;
    Mappings mappings(policy, hosts);
    scan(mappings.existing_nat(), {mapping(10, 16001, 16001)});
    std::vector<Change> unused;
    const MappingEntry* entry = mappings.map({Transport::udp, {Address::v4(0xC0A8010A), 16000}}, egress,
                                             {0, 1, false}, Time{1000}, unused);
    REQUIRE(entry);
    CHECK(entry->mapping.outside.port == 16000);
}

TEST_CASE("C12 X2 a mapping whose public port is privileged is not adopted") {
    const Policy policy;
    const Hosts hosts;
    Mappings mappings(policy, hosts);
    scan(mappings.existing_nat(), {mapping(10, 5060, 1000), mapping(11, 5060, 1024)}, true);
    const auto adopted = [&](std::uint8_t host) {
        std::vector<Change> changes;
        return mappings.adopt({Transport::udp, {Address::v4(0xC0A80100U + host), 5060}}, egress, false,
                              Time{1000}, changes);
    };
    CHECK_FALSE(adopted(10));
    CHECK(adopted(11));
}

TEST_CASE("S2 a flow that was looked up replaces the results of scans, and the next scan removes it") {
    constexpr Limits limits;
    ExistingNat nat(limits);
    const Mapping before = mapping(10, 40000, 4726), now = mapping(10, 40000, 14830);
    scan(nat, {before});
    nat.begin();
    nat.note_seen(now);
    nat.end();
    REQUIRE(nat.find(key(now)));
    CHECK(nat.find(key(now))->port == 14830);
    REQUIRE(nat.find_public({Transport::udp, now.outside}));
    CHECK(*nat.find_public({Transport::udp, now.outside}) == now.inside);
    scan(nat, {});
    CHECK(nat.empty());
}

TEST_CASE("S2 a host whose ports NAT changes is known as long as such a flow is") {
    constexpr Limits limits;
    ExistingNat nat(limits);
    const Address phone = mapping(10, 1, 1).inside.address;
    scan(nat, {mapping(10, 5060, 5060)});
    CHECK_FALSE(nat.changes_ports(phone));
    nat.note_seen(mapping(10, 40000, 4726));
    CHECK(nat.changes_ports(phone));
    CHECK_FALSE(nat.changes_ports(mapping(11, 1, 1).inside.address));
    scan(nat, {mapping(10, 5060, 5060)});
    CHECK_FALSE(nat.changes_ports(phone));
}

}  // namespace sipalg::nat
