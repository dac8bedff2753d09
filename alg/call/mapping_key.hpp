// What identifies a mapping, and a pinhole, in the tables.
#pragma once

#include <cstddef>
#include <functional>

#include "alg/address.hpp"
#include "alg/pinhole.hpp"

namespace sipalg::call {

/// A mapping's full key: one inside socket has one public endpoint per outside address (A3).
struct MappingKey {
    Socket inside;
    Address outside;
    friend auto operator<=>(const MappingKey&, const MappingKey&) = default;
};

struct KeyHash {
    std::size_t operator()(const MappingKey& key) const noexcept {
        return std::hash<Socket>{}(key.inside) * 31 + std::hash<Address>{}(key.outside);
    }
    std::size_t operator()(const Pinhole& pinhole) const noexcept {
        return std::hash<Socket>{}({pinhole.transport, pinhole.outside}) * 31 +
               std::hash<Address>{}(pinhole.remote);
    }
};

}  // namespace sipalg::call
