// The key of a TCP connection.
#pragma once

#include <cstddef>
#include <functional>

#include "alg/net/address.hpp"
#include "alg/policy/policy.hpp"

namespace sipalg::tcp {

/// The two ends of a connection as seen at the inside edge.
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
