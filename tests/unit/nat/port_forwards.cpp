#include "alg/nat/port_forwards.hpp"

#include <doctest/doctest.h>

#include "alg/nat/mappings.hpp"
#include "alg/nat/renumbering.hpp"

namespace sipalg::nat {

namespace {

const Address wan = Address::v4(0xCB007101), wan2 = Address::v4(0xCB007102);
const Egress egress{wan, wan};
const Address pbx = Address::v4(0xC0A8010A), phone = Address::v4(0xC0A8010B);

Socket udp(const Address& address, std::uint16_t port) {
    return {Transport::udp, {address, port}};
}

/// Mappings beside these forwards.
struct Fixture {
    explicit Fixture(std::vector<PortForward> forwards, Policy settings = {})
        : policy(std::move(settings)), mappings(policy, hosts) {
        mappings.set_forwards(std::move(forwards));
    }
    /// The public port that the socket gets; 0: none.
    std::uint16_t port_of(const Socket& inside, const PortWish& wish = {}) {
        const MappingEntry* entry = mappings.map(inside, egress, wish, Time{1000}, changes);
        return entry ? entry->mapping.outside.port : std::uint16_t{0};
    }
    Policy policy;
    Hosts hosts;
    Mappings mappings;
    std::vector<Change> changes;
};

}  // namespace

TEST_CASE("X12 a forwarded port goes to no other host, and to the phone that it leads to") {
    const PortForward to_pbx{Transport::udp, 5060, 5060, {}, pbx, 0, 0};
    CHECK(Fixture({to_pbx}).port_of(udp(phone, 5060)) == 16384);
    CHECK(Fixture({to_pbx}).port_of(udp(pbx, 5060)) == 5060);
    CHECK(Fixture({to_pbx}).port_of({Transport::tcp, {phone, 5060}}) == 5060);
    PortForward both = to_pbx;
    both.transport.reset();
    CHECK(Fixture({both}).port_of({Transport::tcp, {phone, 5060}}) == 16384);
    PortForward elsewhere = to_pbx;
    elsewhere.address = wan2;
    CHECK(Fixture({elsewhere}).port_of(udp(phone, 5060)) == 5060);
    elsewhere.address = wan;
    CHECK(Fixture({elsewhere}).port_of(udp(phone, 5060)) == 16384);
}

TEST_CASE("X12 the mapping of a phone uses the public port that is forwarded to it") {
    const PortForward other_port{Transport::udp, 6060, 6060, {}, pbx, 5060, 5060};
    CHECK(Fixture({other_port}).port_of(udp(pbx, 5060)) == 6060);
    CHECK(Fixture({other_port}).port_of(udp(pbx, 6060)) == 16384);  // leads to another port of the same host
    const PortForward range{Transport::udp, 10000, 20000, {}, pbx, 0, 0};
    CHECK(Fixture({range}).port_of(udp(pbx, 10002), {0, 2}) == 10002);
    CHECK(Fixture({range}).port_of(udp(phone, 10002), {0, 2}) == 20002);
    // X2: no privileged port, even if it is forwarded.
    const PortForward privileged{Transport::udp, 1000, 1000, {}, pbx, 5060, 5060};
    CHECK(Fixture({privileged}).port_of(udp(pbx, 5060)) == 5060);
}

TEST_CASE("X12 a destination that can't be read counts as another host") {
    const PortForward unreadable{Transport::udp, 5060, 5060, {}, {}, 0, 0};
    CHECK(Fixture({unreadable}).port_of(udp(pbx, 5060)) == 16384);
    const PortForward any_of_many{Transport::udp, 5060, 5060, {}, pbx, 7000, 7010};
    CHECK(Fixture({any_of_many}).port_of(udp(pbx, 5060)) == 16384);
    CHECK(Fixture({any_of_many}).port_of(udp(pbx, 7000)) == 7000);
    const PortForward first{Transport::udp, 5060, 5060, {}, pbx, 0, 0};
    const PortForward second{Transport::udp, 5060, 5060, {}, phone, 0, 0};
    CHECK(Fixture({first, second}).port_of(udp(pbx, 5060)) == 16384);
}

TEST_CASE("X12 RTP and RTCP: neither port of a pair is one that is forwarded to another host") {
    const PortForward odd{Transport::udp, 16001, 16001, {}, pbx, 0, 0};
    CHECK(Fixture({odd}).port_of(udp(phone, 16000), {0, 2}) == 16384);
    CHECK(Fixture({odd}).port_of(udp(phone, 16000), {0, 1}) == 16000);
    CHECK(Fixture({odd}).port_of(udp(phone, 16001), {16001, 1, true}) == 0);
    CHECK(Fixture({odd}).port_of(udp(pbx, 16001), {16001, 1, true}) == 16001);
}

TEST_CASE("X12 how many media ports the forwards leave") {
    Policy policy;
    policy.media_low = 20000;
    policy.media_high = 20999;
    CHECK(Fixture({}, policy).mappings.media_ports_left() == 1000);
    CHECK(Fixture({{Transport::tcp, 1, 65535, {}, pbx, 0, 0}}, policy).mappings.media_ports_left() == 1000);
    CHECK(Fixture({{Transport::udp, 10000, 20099, {}, pbx, 0, 0}, {{}, 20000, 20009, {}, pbx, 0, 0}}, policy)
              .mappings.media_ports_left() == 900);
}

TEST_CASE("X12 mappings leave a port that is forwarded to another host later; the others stay") {
    Fixture f({});
    std::vector<Change> changes;
    const Time now{1000};
    const auto hold = [&](const Socket& inside) {
        const MappingKey key = f.mappings.map(inside, egress, {}, now, changes)->key();
        f.mappings.acquire(key, Time{500'000}, now, changes);
        return key;
    };
    const MappingKey moved = hold(udp(phone, 5060)), stays = hold(udp(pbx, 5070));
    f.mappings.commit();
    CHECK(f.mappings.at_forwarded_ports().empty());
    f.mappings.set_forwards({{Transport::udp, 5060, 5070, {}, pbx, 0, 0}});
    REQUIRE(f.mappings.at_forwarded_ports() == std::vector<Egress>{egress});
    changes.clear();
    const AddressChange within{wan, egress};
    Renumbering renumbering({&within, 1}, true);
    f.mappings.renumber(renumbering, now, changes);
    f.mappings.commit();
    CHECK(f.mappings.find(moved)->mapping.outside.port == 16384);
    CHECK(f.mappings.find(stays)->mapping.outside.port == 5070);
    CHECK(renumbering.counts(wan).other_ports == 1);
    CHECK(f.mappings.at_forwarded_ports().empty());
    CHECK(changes.size() == 2);  // one mapping removed, one added
}

}  // namespace sipalg::nat
