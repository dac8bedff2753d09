// Public endpoints from before a change of the router's address, kept as long as messages may name them
// (C11).
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "alg/base/deadline_queue.hpp"
#include "alg/base/staged_map.hpp"
#include "alg/nat/mapping_key.hpp"
#include "alg/nat/renumbering.hpp"

namespace sipalg::nat {

/// Old public endpoints, each with its present mapping. A peer names them in requests of a dialog, and in
/// responses, until it learns the new ones. They are only used to read messages; no pinhole is open there.
/// Changes are staged (law 4).
class OldEndpoints {
  public:
    /// The limit (X7).
    explicit OldEndpoints(std::size_t most) : most_(most) {}

    /// Adds `shown` (with the advertised address) as an old endpoint of the mapping until `until`, or extends
    /// it.
    void add(const Socket& shown, const MappingKey& mapping, Time until);
    /// The mapping of an old endpoint; nullptr: not an old endpoint.
    const MappingKey* find(const Socket& shown) const {
        if (table_.size() == 0) return nullptr;
        const Entry* entry = table_.find(shown);
        return entry ? &entry->mapping : nullptr;
    }
    /// Whether messages may name `host`, an earlier advertised address, for the outside address `outside`.
    bool knows(const Address& host, const Address& outside) const;

    /// Follows the mappings to their new addresses.
    void renumber(const Renumbering& renumbering);
    void expire(Time now);
    std::optional<Time> next_deadline() const { return deadlines_.next(); }
    std::size_t size() const { return table_.size(); }

    void commit();
    void cancel();

  private:
    struct Entry {
        MappingKey mapping;
        Time until{0};
    };
    struct Host {
        Address host, outside;
        friend bool operator==(const Host&, const Host&) = default;
    };
    struct HostHash {
        std::size_t operator()(const Host& host) const {
            return std::hash<Address>{}(host.host) * 31 + std::hash<Address>{}(host.outside);
        }
    };
    void count(const Entry& entry, const Address& host, bool more);

    std::size_t most_;
    StagedMap<Socket, Entry> table_;
    StagedMap<Host, std::size_t, HostHash> hosts_;  ///< the number of entries with that host
    DeadlineQueue<Socket> deadlines_;
};

inline constexpr std::size_t max_old_endpoints = 4;  ///< kept for one call or binding

/// Adds an endpoint that peers may still use for the phone. Keeps only the latest ones, and never `present`.
void add_old_endpoint(std::vector<Endpoint>& old, const Endpoint& shown, const Endpoint& present);

}  // namespace sipalg::nat
