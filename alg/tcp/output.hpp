// The actions of the daemon for packets of TCP connections that are read.
#pragma once

#include <cstdint>
#include <vector>

#include "alg/net/address.hpp"
#include "alg/policy/policy.hpp"

namespace sipalg::tcp {

/// One packet: the one that has just arrived, one from the queue, or one of the daemon's own.
struct Output {
    enum class Kind : std::uint8_t {
        pass,     ///< send the packet as it arrived
        replace,  ///< send `bytes` in its place
        drop,
        inject,  ///< send `bytes` as a packet of the daemon's own
    };
    Kind kind = Kind::pass;
    std::uint64_t token = 0;          ///< ArrivedPacket::token; 0 for an injected packet
    std::vector<std::uint8_t> bytes;  ///< of replace and inject
    Side from = Side::inside;         ///< inject: the end that the packet names as its source
    Address egress;                   ///< inject: the router's outside address on the packet's route
};

}  // namespace sipalg::tcp
