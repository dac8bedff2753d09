// Connections of which only SYNs were seen. They may be forged, so they are removed first (X7).
#pragma once

#include <cstddef>
#include <list>
#include <optional>
#include <unordered_map>

#include "alg/tcp/connection_key.hpp"

namespace sipalg::tcp {

/// Half-open connections by the host that sent the SYN, the oldest first.
class HalfOpen {
  public:
    /// The host that `opener` counts as: an IPv4 address, an IPv6 /64.
    static Address host_of(const ConnectionKey& key, Side opener);

    /// Adds a connection. No effect if the key exists.
    void add(const ConnectionKey& key, Side opener);
    /// Removes a connection that was established or has ended.
    void remove(const ConnectionKey& key);
    std::size_t size() const { return by_key_.size(); }

    /// The oldest connection of the host that has most; nullopt: there is none. Linear in the number of
    /// hosts.
    std::optional<ConnectionKey> oldest_of_largest() const;
    std::optional<ConnectionKey> oldest_of(const Address& host) const;

  private:
    using Keys = std::list<ConnectionKey>;
    struct Place {
        Address host;
        Keys::iterator position;
    };
    std::unordered_map<Address, Keys> by_host_;
    std::unordered_map<ConnectionKey, Place, ConnectionKeyHash> by_key_;
};

}  // namespace sipalg::tcp
