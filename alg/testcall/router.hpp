// The router as `ip` shows it, and the choice of the ends of a test call. Pure, but for read_router().
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "alg/net/address.hpp"
#include "alg/testcall/program.hpp"

namespace sipalg::testcall {

struct InterfaceAddress {
    Address address;
    unsigned prefix = 0;  ///< bits
    std::string words;    ///< as `ip address add` takes it: "192.168.1.1/24", "10.0.0.2 peer 10.0.0.1/32"
};

struct Interface {
    std::string name, hardware_address, kind;  ///< kind: "vlan", "bridge", ...; empty: a device
    unsigned mtu = 1500;
    bool up = false;
    std::vector<InterfaceAddress> addresses;
};

struct Router {
    std::vector<Interface> interfaces;  ///< but loopback
    std::vector<Words> routes;          ///< words behind `ip route replace`
    std::vector<Words> routes6;         ///< behind `ip -6 route replace`
    std::vector<Words> rules, rules6;   ///< behind `ip rule add`
};

/// From the output of `ip -j -d address`. Throws std::runtime_error if it is not readable.
std::vector<Interface> read_interfaces(std::string_view json);
/// Those lines of `ip -o route show table all` that the kernel does not make by itself.
std::vector<Words> read_routes(std::string_view text);
/// Those lines of `ip rule` that are not the kernel's own.
std::vector<Words> read_rules(std::string_view text);

/// Reads the router of the calling thread's namespace. Throws std::runtime_error.
Router read_router(const Interrupts& interrupts);

/// The two ends of the call, and the router between them.
struct Ends {
    std::string inside, outside;     ///< interfaces
    Address phone, provider, media;  ///< `media`: the provider's media server
    Address router_inside;
    Address router_outside;  ///< none: the interface has no address of the family
    Address gateway;         ///< next hop outside; none: the network itself
};

/// What the user, or a running daemon, knows.
struct EndHints {
    std::optional<Address> phone;        ///< that the user has named
    std::optional<Address> known_phone;  ///< one that is registered, used if it is a neighbour
    std::optional<Address> provider;
    Family family = Family::v4;       ///< of the call; that of the addresses above
    std::vector<std::string> inside;  ///< interfaces; none: all others than `outside`
};

/// The address of the provider: the given one, or one that no real host has (RFC 5737, RFC 3849).
Address choose_provider(const EndHints& hints);
/// Chooses the others. `outside`, `gateway`: of the route to the provider. Throws std::runtime_error with the
/// reason.
Ends choose_ends(const Router& router, const EndHints& hints, const std::string& outside,
                 const Address& gateway);

}  // namespace sipalg::testcall
