#include "alg/testcall/router.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <sstream>
#include <stdexcept>

namespace sipalg::testcall {

namespace {

using Json = nlohmann::json;

constexpr std::string_view documentation = "198.51.100.10";       // RFC 5737
constexpr std::string_view documentation6 = "2001:db8:5e57::10";  // RFC 3849

Words words_of(const std::string& line) {
    std::istringstream in(line);
    Words words;
    for (std::string word; in >> word;)
        words.push_back(word);
    return words;
}

template <class Use>
void each_row(std::string_view text, const Use& use) {
    std::istringstream in{std::string(text)};
    for (std::string line; std::getline(in, line);)
        if (Words words = words_of(line); !words.empty()) use(std::move(words));
}

InterfaceAddress read_address(const Json& row) {
    InterfaceAddress result;
    const std::string local = row.value("local", ""), peer = row.value("address", "");
    result.prefix = row.value("prefixlen", 32U);
    if (const auto address = Address::parse(local)) result.address = *address;
    result.words = (peer.empty() ? local : local + " peer " + peer) + "/" + std::to_string(result.prefix);
    return result;
}

bool in_network(const InterfaceAddress& own, const Address& other) {
    if (own.address.family() != other.family() || own.prefix > 8 * other.size()) return false;
    for (unsigned bit = 0; bit < own.prefix; bit += 8) {
        const unsigned left = std::min(8U, own.prefix - bit);
        const unsigned mask = 0xFFU << (8 - left) & 0xFFU;
        if (((own.address.bytes()[bit / 8] ^ other.bytes()[bit / 8]) & mask) != 0) return false;
    }
    return true;
}

bool is_own(const Router& router, const Address& address) {
    for (const Interface& each : router.interfaces)
        for (const InterfaceAddress& own : each.addresses)
            if (own.address == address) return true;
    return false;
}

/// An address of the network that the router does not have, and that is seldom given to hosts: the end of the
/// range; over IPv6, where the last ones are anycast (RFC 2526), some interface identifier.
std::optional<Address> free_address(const Router& router, const InterfaceAddress& own) {
    if (own.address.is_v6() && own.prefix <= 96) {
        auto bytes = own.address.bytes();
        const std::array<std::uint8_t, 4> identifier{0x7e, 0x57, 0xca, 0x11};
        std::copy(identifier.begin(), identifier.end(), bytes.end() - identifier.size());
        const Address address = Address::v6(bytes);
        return is_own(router, address) ? std::nullopt : std::optional(address);
    }
    if (!own.address.is_v4() || own.prefix > 30 || own.prefix < 8) return std::nullopt;
    const std::uint32_t mask = ~std::uint32_t{0} << (32 - own.prefix);
    const std::uint32_t broadcast = own.address.v4_value() | ~mask;
    for (std::uint32_t back = 1; back < 4; ++back) {
        const Address address = Address::v4(broadcast - back);
        if (!is_own(router, address)) return address;
    }
    return std::nullopt;
}

/// An address that differs in the last bit.
Address neighbour(const Address& address) {
    if (address.is_v4()) return Address::v4(address.v4_value() ^ 1U);
    auto bytes = address.bytes();
    bytes.back() ^= 1U;
    return Address::v6(bytes);
}

}  // namespace

std::vector<Interface> read_interfaces(std::string_view json) {
    const Json document = Json::parse(json, nullptr, false);
    if (!document.is_array())
        throw std::runtime_error(
            "`ip -j address` gave no JSON: install iproute2 (busybox's ip is not enough)");
    std::vector<Interface> interfaces;
    try {
        for (const Json& row : document) {
            Interface one;
            one.name = row.value("ifname", "");
            const Json flags = row.value("flags", Json::array());
            if (one.name.empty() || std::find(flags.begin(), flags.end(), "LOOPBACK") != flags.end())
                continue;
            one.up = std::find(flags.begin(), flags.end(), "UP") != flags.end();
            one.mtu = row.value("mtu", 1500U);
            if (row.value("link_type", "") == "ether") one.hardware_address = row.value("address", "");
            one.kind = row.value("linkinfo", Json::object()).value("info_kind", "");
            for (const Json& address : row.value("addr_info", Json::array()))
                if (address.value("scope", "") != "link") one.addresses.push_back(read_address(address));
            interfaces.push_back(std::move(one));
        }
    } catch (const Json::exception& error) {
        throw std::runtime_error(std::string("`ip -j address`: ") + error.what());
    }
    return interfaces;
}

std::vector<Words> read_routes(std::string_view text) {
    std::vector<Words> routes;
    each_row(text, [&](Words words) {
        static const Words of_kernel{"local", "broadcast", "anycast", "multicast"};
        if (std::find(of_kernel.begin(), of_kernel.end(), words.front()) != of_kernel.end()) return;
        const auto follows = [&](const char* name, const char* value) {
            const auto it = std::find(words.begin(), words.end(), name);
            return it != words.end() && it + 1 != words.end() && *(it + 1) == value;
        };
        if (follows("table", "local") || follows("dev", "lo") || words.front() == "fe80::/64") return;
        for (const char* state : {"linkdown", "dead", "offload", "rt_offload", "rt_trap", "\\"})
            std::erase(words, state);
        for (const char* pair : {"expires", "error", "nhid"})
            if (const auto it = std::find(words.begin(), words.end(), pair);
                it != words.end() && it + 1 != words.end())
                words.erase(it, it + 2);
        routes.push_back(std::move(words));
    });
    return routes;
}

std::vector<Words> read_rules(std::string_view text) {
    std::vector<Words> rules;
    each_row(text, [&](Words words) {
        std::string priority = words.front();
        if (priority.empty() || priority.back() != ':') return;
        priority.pop_back();
        if (priority == "0" || priority == "32766" || priority == "32767") return;
        std::erase_if(words, [](const std::string& word) { return word.starts_with('['); });
        words.front() = "pref";
        words.insert(words.begin() + 1, priority);
        rules.push_back(std::move(words));
    });
    return rules;
}

Router read_router(const Interrupts& interrupts) {
    const auto read = [&](const Words& words) {
        const Outcome outcome = run(interrupts, nullptr, words);
        if (outcome.status == 127) throw std::runtime_error("the program ip is missing: install iproute2");
        return outcome.output;
    };
    Router router;
    router.interfaces = read_interfaces(read({"ip", "-d", "-j", "address"}));
    router.routes = read_routes(read({"ip", "-o", "-4", "route", "show", "table", "all"}));
    router.routes6 = read_routes(read({"ip", "-o", "-6", "route", "show", "table", "all"}));
    router.rules = read_rules(read({"ip", "-4", "rule"}));
    router.rules6 = read_rules(read({"ip", "-6", "rule"}));
    return router;
}

Address choose_provider(const EndHints& hints) {
    const auto unused = hints.family == Family::v4 ? documentation : documentation6;
    return hints.provider.value_or(Address::parse(unused).value_or(Address()));
}

Ends choose_ends(const Router& router, const EndHints& hints, const std::string& outside,
                 const Address& gateway) {
    Ends ends;
    ends.outside = outside;
    ends.gateway = gateway;
    ends.provider = choose_provider(hints);
    ends.media = neighbour(ends.provider);
    for (const Interface& each : router.interfaces)
        for (const InterfaceAddress& own : each.addresses)
            if (each.name == outside && !ends.router_outside && own.address.family() == hints.family)
                ends.router_outside = own.address;
    const auto choose = [&](const std::optional<Address>& wanted) {
        for (const Interface& each : router.interfaces) {
            const bool named =
                std::find(hints.inside.begin(), hints.inside.end(), each.name) != hints.inside.end();
            if (each.name == outside || !each.up || (!hints.inside.empty() && !named)) continue;
            for (const InterfaceAddress& own : each.addresses) {
                if (own.address.family() != hints.family) continue;
                const auto phone = wanted ? wanted : free_address(router, own);
                if (!phone || !in_network(own, *phone) || is_own(router, *phone)) continue;
                ends.inside = each.name;
                ends.phone = *phone;
                ends.router_inside = own.address;
                return true;
            }
        }
        return false;
    };
    if (hints.phone ? choose(hints.phone)
                    : (hints.known_phone && choose(hints.known_phone)) || choose(std::nullopt))
        return ends;
    if (hints.phone)
        throw std::runtime_error("--phone " + hints.phone->text() +
                                 ": expected an address in the network of an inside interface");
    throw std::runtime_error(std::string("no inside interface has an ") +
                             (hints.family == Family::v4 ? "IPv4" : "IPv6") +
                             " network with a free address; name a phone with --phone ADDR");
}

}  // namespace sipalg::testcall
