// What identifies a TCP connection in the tables.
#pragma once

#include <cstddef>
#include <functional>

#include "alg/net/address.hpp"
#include "alg/policy/policy.hpp"

namespace sipalg::tcp {

/// A connection by its two ends, as the inside sees them.
struct ConnectionKey {
    Endpoint phone, peer;
    const Endpoint& end(Side side) const { return side == Side::inside ? phone : peer; }
    friend bool operator==(const ConnectionKey&, const ConnectionKey&) = default;
};

struct ConnectionKeyHash {
    std::size_t operator()(const ConnectionKey& key) const noexcept {
        return std::hash<Endpoint>{}(key.phone) * 31 + std::hash<Endpoint>{}(key.peer);
    }
};

}  // namespace sipalg::tcp
