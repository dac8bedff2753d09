// Connections of which only SYNs were seen. They may be forged, so they are removed first (X7).
#pragma once

#include <cstddef>
#include <optional>

#include "alg/base/host_queues.hpp"
#include "alg/tcp/connection_key.hpp"

namespace sipalg::tcp {

/// Half-open connections by the host that sent the SYN, the oldest first.
class HalfOpen {
  public:
    /// Adds a connection that a SYN of `host` began. No effect if the key exists.
    void add(const ConnectionKey& key, const Address& host) { queues_.add(key, host); }
    /// Removes a connection that was established or has ended.
    void remove(const ConnectionKey& key) { queues_.remove(key); }
    std::size_t size() const { return queues_.size(); }
    void shrink() { queues_.shrink(); }

    /// The oldest connection of the host with the most; nullopt: there is none. Linear in the number of
    /// hosts.
    std::optional<ConnectionKey> oldest_of_largest() const { return queues_.oldest_of_largest(); }
    std::optional<ConnectionKey> oldest_of(const Address& host) const {
        const auto* keys = queues_.of(host);
        return keys ? std::optional(keys->front()) : std::nullopt;
    }

  private:
    HostQueues<ConnectionKey, ConnectionKeyHash> queues_;
};

}  // namespace sipalg::tcp
