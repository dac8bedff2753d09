// Which public endpoint an inside one gets (A3), and what makes room for it (X7).
#include <algorithm>

#include "alg/nat/mappings.hpp"
#include "alg/policy/timing.hpp"

namespace sipalg::nat {

bool Mappings::is_free(const Socket& public_socket, const Address& outside) const {
    if (public_.contains(public_socket)) return false;
    if (outside != public_socket.endpoint.address &&
        public_.contains(Socket{public_socket.transport, {outside, public_socket.endpoint.port}}))
        return false;
    const auto bound = [&](const Address& address) {
        return occupied_.contains(Socket{public_socket.transport, {address, public_socket.endpoint.port}});
    };
    // A socket on the wildcard address of either family gets what comes to any of them.
    return !bound(outside) && !bound(Address::v4(0)) && !bound(Address::v6({}));
}

// Another host's flows may not come to use a port of ours, or ours theirs. The phone's own next port is for
// its own next socket.
bool Mappings::is_others(const Socket& inside, const Address& outside, std::uint16_t port,
                         std::uint16_t preferred) const {
    const Endpoint* user = existing_nat_.find_public({inside.transport, {outside, port}});
    return user && (user->address != inside.endpoint.address ||
                    user->port - inside.endpoint.port != port - preferred);
}

// Ports that are only kept for late retransmissions make room (X7).
bool Mappings::has_room(const Address& phone, Time now) {
    while (mappings_.size() >= policy_.max_mappings || per_phone_.of(phone) >= policy_.max_mappings_per_phone)
        if (!forget_oldest_lingering(now)) return false;
    return true;
}

bool Mappings::is_lingering(const MappingKey& key, Time now) const {
    const MappingEntry* entry = mappings_.find(key);
    return entry && entry->holders == 0 && entry->idle_until <= now && entry->kernel_until <= now;
}

std::optional<std::uint16_t> Mappings::forget_oldest_lingering(Time now) {
    while (!lingering_.empty()) {
        const MappingKey key = lingering_.front();
        lingering_.pop_front();
        if (!is_lingering(key, now)) continue;
        const MappingEntry& entry = *mappings_.find(key);
        const std::uint16_t port = entry.mapping.outside.port;
        forget(entry);
        return port;
    }
    return std::nullopt;
}

const MappingEntry* Mappings::map(const Socket& inside, const Egress& egress, const PortWish& wish,
                                  Time now) {
    const MappingKey key{inside, egress.address};
    if (const MappingEntry* known = mappings_.find(key)) return known;
    if (is_forbidden_port(inside.endpoint.port) || !has_room(inside.endpoint.address, now)) return nullptr;
    // The port that conntrack has for it is the one that peers may know (C12).
    const ExistingNat::Way* way = existing_nat_.find(key);
    const std::uint16_t preferred = wish.preferred ? wish.preferred : way ? way->port : inside.endpoint.port;
    if (egress.address == inside.endpoint.address)
        return &enter({inside.transport, inside.endpoint, inside.endpoint}, egress, false, now);
    const auto free = [&](std::uint16_t port) {
        return (!wish.exact || port == preferred) &&
               is_free({inside.transport, {egress.advertised, port}}, egress.address) &&
               !is_others(inside, egress.address, port, preferred);
    };
    if (wish.exact && !free(preferred)) return nullptr;
    const auto port =
        wish.exact ? ports_.choose(preferred, wish.run, free) : choose_port(preferred, wish.run, now, free);
    if (!port) return nullptr;
    return &enter({inside.transport, inside.endpoint, {egress.address, *port}}, egress,
                  way && way->port == *port, now);
}

const MappingEntry& Mappings::enter(const Mapping& mapping, const Egress& egress, bool adopted, Time now) {
    per_phone_.more(mapping.inside.address);
    MappingEntry entry;
    entry.mapping = mapping;
    entry.advertised = egress.advertised;
    entry.linger_until = now + transaction_time;
    entry.adopted = adopted;
    if (!mapping.is_identity()) know_address(egress.address);
    occupy(entry);
    MappingEntry& made = mappings_.put(entry.key(), std::move(entry));
    schedule(made, now);
    return made;
}

std::optional<std::uint16_t> Mappings::choose_port(std::uint16_t wanted, unsigned run, Time now,
                                                   const std::function<bool(std::uint16_t)>& free) {
    auto port = ports_.choose(wanted, run, free);
    while (!port) {
        const auto freed = forget_oldest_lingering(now);
        if (!freed) break;
        // Only a port that can be of use is worth another search.
        if (*freed == wanted || ports_.in_range(*freed)) port = ports_.choose(wanted, run, free);
    }
    return port;
}

}  // namespace sipalg::nat
