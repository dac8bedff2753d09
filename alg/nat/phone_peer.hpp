// A pair of phone and peer.
#pragma once

#include <compare>
#include <cstddef>
#include <functional>

#include "alg/net/address.hpp"

namespace sipalg::nat {

/// A phone and a peer that exchange messages, at any ports and over any transport.
struct PhonePeer {
    Address phone, peer;
    friend auto operator<=>(const PhonePeer&, const PhonePeer&) = default;
};
struct PhonePeerHash {
    std::size_t operator()(const PhonePeer& pair) const {
        return std::hash<Address>{}(pair.phone) * 31 + std::hash<Address>{}(pair.peer);
    }
};

}  // namespace sipalg::nat
