// The router's interfaces and default routes at one moment, as values.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "alg/net/address.hpp"

namespace sipalg::daemon {

struct InterfaceAddress {
    Address address;
    Address broadcast;       ///< the directed broadcast address of the network (IPv4), if it has one
    bool secondary = false;  ///< not the address that the kernel chooses as a source
    bool global = false;     ///< scope global
    friend auto operator<=>(const InterfaceAddress&, const InterfaceAddress&) = default;
};

struct Interface {
    unsigned index = 0;
    std::string name;
    bool loopback = false;
    std::vector<InterfaceAddress> addresses;
    bool in_vrf = false;  ///< enslaved to a VRF device

    /// Whether it has this address.
    bool holds(const Address& address) const;
    /// The IPv4 address that masquerade would use on this interface; none without an IPv4 address.
    Address primary() const;
    friend auto operator<=>(const Interface&, const Interface&) = default;
};

struct Interfaces {
    std::vector<Interface> all;
    std::vector<unsigned> default_routes;  ///< indices of interfaces with a default route, best metric first
    bool marks_decide = false;             ///< an IPv4 policy rule depends on the firewall mark

    const Interface* find(std::string_view name) const;
    const Interface* find(unsigned index) const;
    /// Names of the interfaces with default routes.
    std::vector<std::string> with_default_route() const;
    /// Names of the other interfaces except loopback.
    std::vector<std::string> without(const std::vector<std::string>& outside) const;
    /// Every address of the router, and the broadcast addresses of its networks (X2).
    std::vector<Address> own_addresses() const;
    friend bool operator==(const Interfaces&, const Interfaces&) = default;
};

}  // namespace sipalg::daemon
