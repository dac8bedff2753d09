// Media from an unannounced source (C5, `latch`).
#pragma once

#include <algorithm>
#include <span>
#include <vector>

#include "alg/base/staged_map.hpp"
#include "alg/base/time.hpp"
#include "alg/call/call.hpp"
#include "alg/kernel/element.hpp"

namespace sipalg::call {

// Theory of operation. When a description of the peer takes effect, the kernel gets a latch with a short
// timeout for each RTP endpoint of the phone. The first packet from an address without a pinhole removes the
// latch, adds its sender to the latched sources and is translated. The kernel does this alone, so the first
// packet is not lost. While a latch may be open, the daemon reads the latched sources about once a second and
// makes each one an ordinary pinhole of the call. The flow of the first packet continues in the meantime.

/// The calls of each latch. Changes are staged (law 4) except for open_until(), because one more reading of
/// the latched sources does no harm.
class Latches {
  public:
    /// Sets the latches of the call: opens those that are new and closes those that are no longer listed.
    void set(const CallKey& key, Call& call, std::vector<CallLatch> latches, Time now,
             std::vector<Change>& changes);
    /// The calls that have the latch; nullptr: none.
    const std::vector<CallKey>* calls_with(const Latch& latch) const { return calls_.find(latch); }
    /// The time until which the kernel may add latched sources.
    Time open_until() const { return open_until_; }
    /// Notes that latches and latched sources of an earlier daemon may exist for some time.
    void restore(std::span<const StoredElement> elements, Time now);

    void commit() { calls_.commit(); }
    void cancel() { calls_.cancel(); }

  private:
    struct Hash {
        std::size_t operator()(const Latch& latch) const {
            return std::hash<Socket>{}({latch.transport, latch.outside});
        }
    };
    void expect_until(Time until) { open_until_ = std::max(open_until_, until + Time{1000}); }

    StagedMap<Latch, std::vector<CallKey>, Hash> calls_;
    Time open_until_{0};
};

}  // namespace sipalg::call
