// The kernel resources of a call: mappings, pinholes, latches and its record.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "alg/call/call.hpp"
#include "alg/call/latches.hpp"
#include "alg/call/wants.hpp"
#include "alg/kernel/effects.hpp"
#include "alg/nat/mappings.hpp"
#include "alg/policy/policy.hpp"

namespace sipalg::call {

/// Acquires and releases the resources of calls.
class Resources {
  public:
    Resources(const Policy& policy, nat::Mappings& mappings) : policy_(policy), mappings_(mappings) {}

    /// Acquires the resources that the call needs, releases those that it no longer needs, and stores its
    /// record.
    void settle(const CallKey& key, Call& call, Time now, Effects& effects);
    /// The same until `until`, and without a record: for a call that was restored from one.
    void acquire(const CallKey& key, Call& call, Time until, Time now, Effects& effects);
    /// Renews all resources for the call's lifetime.
    void renew(const CallKey& key, Call& call, Time now, Effects& effects);
    /// Releases all resources of the call, and removes its record.
    void release(const CallKey& key, Call& call, Time now, Effects& effects);
    /// Stores the record of the call if a restarted daemon needs what has changed.
    void save(const CallKey& key, Call& call, Time now, Effects& effects) {
        save(key, call, effects.changes.size(), now, effects);
    }
    /// C11: follows the call's mappings to their new addresses. Call after nat::Mappings::renumber().
    void move(const CallKey& key, Call& call, nat::Renumbering& renumbering, Time now, Effects& effects);

    /// The owner's policy for the media sources of the call (C5).
    MediaSource media_source(const CallKey& key, const Call& call) const;
    /// The time until which the kernel keeps the call's elements.
    static Time lifetime(const Call& call, Time now);

    Latches& latches() { return latches_; }
    const Latches& latches() const { return latches_; }

    void commit() { latches_.commit(); }
    void cancel() { latches_.cancel(); }

  private:
    /// The new resources of a call, collected by settle().
    struct Collected {
        std::vector<nat::MappingKey> mappings;
        std::vector<CallPinhole> pinholes;
        std::vector<CallLatch> latches;
        Time until{0};  ///< when the first of them leaves the kernel, if it is not renewed
        void reserve(const Wants& wants);
        /// For an element of a restored call: its timeout, or if it is not in the kernel, `otherwise`.
        Time keep(Time kernel_until, Time otherwise, Time now);
    };
    /// The mapping for wants[i]; nullptr: not possible. `previous` is the mapping of wants[i - 1], or
    /// nullptr.
    const nat::MappingEntry* map(const CallKey& key, const Call& call, const Wants& wants, std::size_t i,
                                 const nat::MappingEntry* previous, Time now, Effects& effects);
    void open(const Call& call, Want& want, const nat::MappingEntry& entry, Time until, Time now,
              Collected& collected, Effects& effects);
    void release_others(Call& call, const Collected& collected, Time now, Effects& effects);
    /// `first`: the changes from there on are the call's, and may have its record in their notes.
    void save(const CallKey& key, Call& call, std::size_t first, Time now, Effects& effects);
    bool put_into_notes(Call& call, const WrittenRecord& record, std::size_t first, Effects& effects);
    /// The record of the call is no longer in notes.
    void leave_notes(Call& call);
    void note_old_endpoints(const Call& call, Time until);
    Egress egress_of(const CallKey& key, const Call& call, const Address& inside) const;

    const Policy& policy_;
    nat::Mappings& mappings_;
    Latches latches_;
};

}  // namespace sipalg::call
