// Public endpoints that the router had before its address changed, as long as messages may name them (C11).
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "alg/base/deadline_queue.hpp"
#include "alg/base/staged_map.hpp"
#include "alg/nat/mapping_key.hpp"
#include "alg/nat/renumber.hpp"

namespace sipalg::nat {

/// Former public endpoints, each with the mapping that took its place. A peer goes on naming them in a
/// dialog's requests, and in responses under way, until it is told the new ones. For reading what comes in
/// only: nothing is open there.
class OldEndpoints {
  public:
    /// At `most`, further ones are not remembered (X7).
    explicit OldEndpoints(std::size_t most) : most_(most) {}

    /// `shown` (the advertised address) stands for the mapping until `until`, or longer if it did already.
    void add(const Socket& shown, const MappingKey& mapping, Time until);
    /// nullptr: it is none.
    const MappingKey* find(const Socket& shown) const {
        if (table_.size() == 0) return nullptr;
        const Former* former = table_.find(shown);
        return former ? &former->mapping : nullptr;
    }
    /// Whether `host` was advertised for the outside address `outside`, and still may be named.
    bool knows(const Address& host, const Address& outside) const;

    /// Their mappings are elsewhere now.
    void renumber(const Renumbering& renumbering);
    void expire(Time now);
    std::optional<Time> next_deadline() const { return deadlines_.next(); }
    std::size_t size() const { return table_.size(); }

    void commit();
    void cancel();

  private:
    struct Former {
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
    void count(const Former& former, const Address& host, bool more);

    std::size_t most_;
    StagedMap<Socket, Former> table_;
    StagedMap<Host, std::size_t, HostHash> hosts_;  ///< how many of the table's entries have it
    DeadlineQueue<Socket> deadlines_;
};

inline constexpr std::size_t max_former = 4;

/// Notes a name of the phone that peers may still use: the latest stand, `now_shown` is none of them.
void add_former(std::vector<Endpoint>& former, const Endpoint& shown, const Endpoint& now_shown);

}  // namespace sipalg::nat
