// The pinholes in the kernel: who may send to which public endpoint, and until when (C2, X8).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "alg/base/staged_map.hpp"
#include "alg/kernel/element.hpp"
#include "alg/nat/mapping_key.hpp"

namespace sipalg::nat {

struct PinholeEntry {
    std::uint32_t users = 0;  ///< calls and bindings that have acquired it
    Time kernel_until{0};
};

/// Pinholes with reference counts: one that several calls or bindings use is in the kernel once, until its
/// last user releases it. Changes are staged (law 4).
class Pinholes {
  public:
    /// nullptr: it is not open.
    const PinholeEntry* find(const Pinhole& pinhole) const { return table_.find(pinhole); }
    const auto& all() const { return table_; }
    std::size_t size() const { return table_.size(); }

    /// One more user, until `until`. True: the pinhole is new in the kernel.
    bool acquire(const Pinhole& pinhole, Time until, Time now, std::vector<Change>& changes);
    /// A user goes on until `until`: the kernel's timeout is renewed if it ends too early.
    void extend(const Pinhole& pinhole, Time until, Time now, std::vector<Change>& changes);
    /// One user less. True: the pinhole has left the kernel.
    bool release(const Pinhole& pinhole, std::vector<Change>& changes);

    /// Where a public endpoint has moved to (C11); nullopt: it has not moved. An endpoint with port 0: it is
    /// gone, and its pinholes with it.
    using Moved = std::function<std::optional<Endpoint>(const Socket& outside)>;
    /// Moves the pinholes with their endpoints. Removals are added to `removals`, since they have to reach
    /// the kernel before `additions`. Returns those that have moved, as they were before.
    std::vector<Pinhole> move(const Moved& moved, Time now, std::vector<Change>& removals,
                              std::vector<Change>& additions);

    /// A pinhole that an earlier daemon left; its users follow with restored calls and bindings (A5).
    void restore(const Pinhole& pinhole, Time until) { table_.put(pinhole, {0, until}); }
    /// Removes those that have no user.
    void remove_unused(std::vector<Change>& changes);

    /// Additions for all that the kernel should have.
    void list(Time now, std::vector<Change>& changes) const;

    /// What has left the kernel since the last call, for the next conntrack scan (C7).
    std::vector<Pinhole> take_closed() {
        changed_ = false;
        return std::exchange(closed_, {});
    }
    /// A pinhole has entered or left the kernel since the last take_closed(), counting refused changes.
    bool changed() const { return changed_; }

    void commit() { table_.commit(); }
    void cancel() { table_.cancel(); }

  private:
    StagedMap<Pinhole, PinholeEntry, MappingKeyHash> table_;
    std::vector<Pinhole> closed_;
    bool changed_ = false;
};

}  // namespace sipalg::nat
