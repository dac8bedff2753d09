// The keys of mappings and pinholes.
#pragma once

#include <cstddef>
#include <functional>

#include "alg/kernel/element.hpp"
#include "alg/net/address.hpp"

namespace sipalg::nat {

/// A mapping's full key: one inside socket has one public endpoint per outside address (A3).
struct MappingKey {
    Socket inside;
    Address outside;
    friend auto operator<=>(const MappingKey&, const MappingKey&) = default;
};

// Not noexcept, so that the tables store each entry's hash and do not compute it again for its bucket.
struct MappingKeyHash {
    std::size_t operator()(const MappingKey& key) const {
        return std::hash<Socket>{}(key.inside) * 31 + std::hash<Address>{}(key.outside);
    }
    std::size_t operator()(const Pinhole& pinhole) const {
        return std::hash<Socket>{}({pinhole.transport, pinhole.outside}) * 31 +
               std::hash<Address>{}(pinhole.remote);
    }
};

}  // namespace sipalg::nat
