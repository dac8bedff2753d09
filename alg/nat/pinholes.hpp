// The pinholes in the kernel: the sources that may send to each public endpoint, and their lifetimes (C2,
// X8).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "alg/base/shared_text.hpp"
#include "alg/base/staged_map.hpp"
#include "alg/kernel/element.hpp"
#include "alg/nat/mapping_key.hpp"

namespace sipalg::nat {

struct PinholeEntry {
    std::uint32_t users = 0;  ///< calls and bindings that have acquired it
    Time kernel_until{0};
    std::uint32_t note_id = 0;  ///< the kernel's element has a note of this record; 0: none
    SharedText note;            ///< that note; empty: it is out of date
};

/// Pinholes with reference counts: a pinhole of several calls or bindings is in the kernel once, until its
/// last user releases it. Changes are staged (law 4).
class Pinholes {
  public:
    /// nullptr: the pinhole is not open.
    const PinholeEntry* find(const Pinhole& pinhole) const { return table_.find(pinhole); }
    const auto& all() const { return table_; }
    std::size_t size() const { return table_.size(); }

    /// Adds a user, which needs the pinhole until `until`. True: the pinhole is new in the kernel.
    bool acquire(const Pinhole& pinhole, Time until, Time now, std::vector<Change>& changes);
    /// A user needs the pinhole until `until`: renews the kernel's timeout if it ends earlier.
    void extend(const Pinhole& pinhole, Time until, Time now, std::vector<Change>& changes);
    /// Removes a user. True: the pinhole has left the kernel.
    bool release(const Pinhole& pinhole, std::vector<Change>& changes);

    /// Puts a piece of the record `id` into the note of the pinhole, which the change that adds it has.
    void set_note(const Pinhole& pinhole, std::uint32_t id, const SharedText& note);
    /// The record `id` is stored elsewhere.
    void outdate_note(const Pinhole& pinhole, std::uint32_t id);
    /// The record `id` has ended: a pinhole that stays in the kernel has no note of it any more.
    void remove_note(const Pinhole& pinhole, std::uint32_t id, Time now, std::vector<Change>& changes);

    /// The new place of a public endpoint (C11); nullopt: it has not moved. Port 0: no port was left, and its
    /// pinholes are removed.
    using Moved = std::function<std::optional<Endpoint>(const Socket& outside)>;
    /// Moves the pinholes with their endpoints. Adds removals to `removals`, which must reach the kernel
    /// before `additions`. Returns the old form of the pinholes that have moved.
    std::vector<Pinhole> move(const Moved& moved, Time now, std::vector<Change>& removals,
                              std::vector<Change>& additions);

    /// Restores a pinhole of an earlier daemon without users, which are restored later (A5).
    void restore(const Pinhole& pinhole, Time until, const SharedText& note);
    /// Removes the pinholes that have no user.
    void remove_unused(std::vector<Change>& changes);

    /// Adds an addition for each pinhole.
    void list(Time now, std::vector<Change>& changes) const;

    /// The pinholes that have left the kernel since the last call, for the next conntrack scan (C7).
    std::vector<Pinhole> take_closed() {
        changed_ = false;
        return std::exchange(closed_, {});
    }
    /// Whether a pinhole has entered or left the kernel since the last take_closed(). Refused changes count
    /// too.
    bool changed() const { return changed_; }

    void commit() { table_.commit(); }
    void cancel() { table_.cancel(); }
    void shrink() { table_.shrink(); }

  private:
    /// A change of the pinhole in the kernel, with its note if that is up to date.
    static Change change_of(const Pinhole& pinhole, PinholeEntry& entry, Change::Op op, Time now);

    StagedMap<Pinhole, PinholeEntry, MappingKeyHash> table_;
    std::vector<Pinhole> closed_;
    bool changed_ = false;
};

}  // namespace sipalg::nat
