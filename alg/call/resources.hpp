// What a call has in the kernel: mappings, pinholes, latches and its record.
#pragma once

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

/// Brings what calls have in line with what they want.
class Resources {
  public:
    Resources(const Policy& policy, nat::Mappings& mappings) : policy_(policy), mappings_(mappings) {}

    /// Acquires what the call wants and does not have, releases what it no longer wants, and stores its
    /// record.
    void settle(const CallKey& key, Call& call, Time now, Effects& effects);
    /// Renews all of it for the call's lifetime.
    void renew(Call& call, Time now, Effects& effects);
    /// Stores the record of the call; a closing call has none.
    void save(const CallKey& key, Call& call, Time now, Effects& effects);
    /// C11: the call's mappings have moved. Call after nat::Mappings::renumber().
    void move(const CallKey& key, Call& call, nat::Renumbering& renumbering, Time now, Effects& effects);

    /// Who may send media to the call (C5).
    MediaSource media_source(const CallKey& key, const Call& call) const;
    /// Until when the call's elements are kept in the kernel.
    static Time lifetime(const Call& call, Time now);

    Latches& latches() { return latches_; }
    const Latches& latches() const { return latches_; }

    void commit() { latches_.commit(); }
    void cancel() { latches_.cancel(); }

  private:
    /// What a call is going to have, while settle() collects it.
    struct Collected {
        std::vector<nat::MappingKey> mappings;
        std::vector<CallPinhole> pinholes;
        std::vector<CallLatch> latches;
    };
    /// The mapping of wants[i]; nullptr: there can be none. `previous` is that of the
    /// want before it, nullptr for the first one.
    const nat::MappingEntry* map(const CallKey& key, const Call& call, const std::vector<Want>& wants,
                                 std::size_t i, const nat::MappingEntry* previous, Time now,
                                 Effects& effects);
    void open(const Call& call, Want& want, const nat::MappingEntry& entry, Time until, Time now,
              Collected& collected, Effects& effects);
    void release_others(const Call& call, const Collected& collected, Time now, Effects& effects);
    void note_old_endpoints(const Call& call, Time until);
    Egress egress_of(const CallKey& key, const Call& call, const Address& inside) const;

    const Policy& policy_;
    nat::Mappings& mappings_;
    Latches latches_;
};

}  // namespace sipalg::call
