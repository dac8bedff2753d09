// Looks through conntrack for flows that must go, and for media that still flows; never for long.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "alg/inspect.hpp"
#include "nft/conntrack.hpp"

namespace sipalg::daemon {

/// When the next sweep may begin: not within 600 ms of the last one's beginning, and so late that sweeps take
/// at most a tenth of the time.
class SweepBudget {
  public:
    static constexpr Time shortest_pause{600};
    static constexpr int share = 10;  ///< one part in so many

    void began(Time now) { began_ = now; }
    /// `spent` is the work of the whole sweep.
    void ended(std::chrono::microseconds spent);
    Time next() const { return next_; }

  private:
    Time began_{0};
    Time next_{0};
};

/// One sweep at a time, in the pieces in which the kernel hands its table over.
class Sweeper {
  public:
    Sweeper(State& state, nft::Conntrack& conntrack) : state_(state), conntrack_(conntrack) {}

    /// Begins a sweep if one is wanted and allowed. Returns when to ask again; nullopt: with the next event.
    std::optional<Time> advance(Time now);
    /// Conntrack::descriptor() is readable.
    void readable(Time now);

  private:
    /// How often the state is asked without any event whether it wants to look after silent calls.
    static constexpr Time look{5000};

    void give_up(Time now, const char* why);

    State& state_;
    nft::Conntrack& conntrack_;
    SweepBudget budget_;
    std::chrono::microseconds spent_{0};
    std::size_t seen_ = 0;  ///< entries of this sweep
    std::vector<Flow> doomed_;
    bool failed_before_ = false;
};

}  // namespace sipalg::daemon
