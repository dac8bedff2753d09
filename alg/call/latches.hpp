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

// Theory of operation. When a description of the peer comes into force, the kernel gets a latch for each RTP
// endpoint that it concerns, with a short timeout. The first packet from an address that has no pinhole takes
// the latch away, enters its sender among the latched sources and is translated. The kernel does all of that,
// so the first packet is received. The daemon reads the latched sources about once a second while a latch may
// be open, and each becomes an ordinary pinhole of the call, which lives, renews and closes with it. The flow
// that the packet began goes on meanwhile.

/// Which calls have which latch. Staged (law 4), except for open_until(): reading the latched sources once
/// too often does no harm.
class Latches {
  public:
    /// The call has these latches from now on: opens and closes the difference.
    void set(const CallKey& key, Call& call, std::vector<CallLatch> latches, Time now,
             std::vector<Change>& changes);
    /// The calls that have the latch; nullptr: none.
    const std::vector<CallKey>* calls_with(const Latch& latch) const { return calls_.find(latch); }
    /// Until when the kernel may add latched sources.
    Time open_until() const { return open_until_; }
    /// An earlier daemon's latches and latched sources may be there for some time.
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
