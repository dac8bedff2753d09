// A table of mappings with a kernel that accepts everything.
#pragma once

#include <algorithm>
#include <utility>
#include <vector>

#include "alg/nat/mappings.hpp"
#include "tests/cases/kernel.hpp"

namespace sipalg::nat::test_mappings {

inline const Address wan = Address::v4(0xCB007101);
inline const Egress egress{wan, wan};
inline const Address phone = Address::v4(0xC0A8010A), other = Address::v4(0xC0A8010B);
inline const Address remote = Address::v4(0xCB00710B);

inline Socket udp(const Address& address, std::uint16_t port) {
    return {Transport::udp, {address, port}};
}

/// Mappings with a kernel that accepts everything.
struct MappingsFixture {
    explicit MappingsFixture(Policy settings = {}) : policy(std::move(settings)), mappings(policy, hosts) {}

    MappingKey map(const Socket& inside, const PortWish& wish = {}) {
        const MappingEntry* entry = mappings.map(inside, egress, wish, now, changes);
        return entry ? entry->key() : MappingKey{};
    }
    std::uint16_t public_port(const MappingKey& key) const {
        const MappingEntry* entry = mappings.find(key);
        return entry ? entry->mapping.outside.port : std::uint16_t{0};
    }
    Pinhole hole(const MappingKey& key) const { return {Transport::udp, remote, {wan, public_port(key)}}; }
    void apply() {
        kernel.apply(changes, now);
        changes.clear();
        mappings.commit();
    }
    void pass(Time time) {
        const Time end = now + time;
        while (mappings.next_deadline() && *mappings.next_deadline() <= end) {
            now = std::max(now, *mappings.next_deadline());
            mappings.expire(now, changes);
            apply();
        }
        now = end;
        kernel.expire(now);
    }

    Policy policy;
    Hosts hosts;
    Mappings mappings;
    test::TableKernel kernel;
    std::vector<Change> changes;
    Time now{1000};
};

/// Few ports and places.
inline Policy narrow() {
    Policy policy;
    policy.media_low = 20000;
    policy.media_high = 20005;
    policy.max_mappings = 6;
    policy.max_mappings_per_phone = 4;
    return policy;
}

}  // namespace sipalg::nat::test_mappings
