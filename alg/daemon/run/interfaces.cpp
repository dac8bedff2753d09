#include "alg/daemon/run/interfaces.hpp"

#include <algorithm>

namespace sipalg::daemon {

Address Interface::primary() const {
    const InterfaceAddress* best = nullptr;
    for (const InterfaceAddress& candidate : addresses) {
        if (!candidate.address.is_v4() || candidate.address.is_loopback()) continue;
        const auto rank = [](const InterfaceAddress& a) {
            return (a.global ? 2 : 0) + (a.secondary ? 0 : 1);
        };
        if (best == nullptr || rank(candidate) > rank(*best)) best = &candidate;
    }
    return best == nullptr ? Address{} : best->address;
}

bool Interface::holds(const Address& address) const {
    return std::any_of(addresses.begin(), addresses.end(),
                       [&](const InterfaceAddress& own) { return own.address == address; });
}

const Interface* Interfaces::find(std::string_view name) const {
    const auto it = std::find_if(all.begin(), all.end(), [&](const auto& i) { return i.name == name; });
    return it == all.end() ? nullptr : &*it;
}

const Interface* Interfaces::find(unsigned index) const {
    const auto it = std::find_if(all.begin(), all.end(), [&](const auto& i) { return i.index == index; });
    return it == all.end() ? nullptr : &*it;
}

std::vector<std::string> Interfaces::with_default_route() const {
    std::vector<std::string> names;
    for (const unsigned index : default_routes) {
        const Interface* interface = find(index);
        if (interface == nullptr || interface->loopback) continue;
        if (std::find(names.begin(), names.end(), interface->name) == names.end())
            names.push_back(interface->name);
    }
    return names;
}

std::vector<std::string> Interfaces::without(const std::vector<std::string>& outside) const {
    std::vector<std::string> names;
    for (const Interface& interface : all)
        if (!interface.loopback && std::find(outside.begin(), outside.end(), interface.name) == outside.end())
            names.push_back(interface.name);
    return names;
}

std::vector<Address> Interfaces::own_addresses() const {
    std::vector<Address> addresses;
    for (const Interface& interface : all)
        for (const InterfaceAddress& own : interface.addresses) {
            addresses.push_back(own.address);
            if (own.broadcast) addresses.push_back(own.broadcast);
        }
    std::sort(addresses.begin(), addresses.end());
    addresses.erase(std::unique(addresses.begin(), addresses.end()), addresses.end());
    return addresses;
}

}  // namespace sipalg::daemon
