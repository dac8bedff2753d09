// Looks through conntrack for flows that must go, for media that still flows, and for what the owner's NAT
// maps.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "alg/core/door.hpp"
#include "alg/daemon/run/flow_reader.hpp"

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

/// One sweep at a time, in the pieces in which the reader hands the table over.
class ConntrackScanner {
  public:
    /// Deletes conntrack entries; throws std::exception.
    using Erase = std::function<void(std::span<const ConntrackTuple>)>;
    /// Logs.
    using Report = std::function<void(std::span<const Event>, Time now)>;
    ConntrackScanner(State& state, FlowReader& reader, Erase erase, Report report)
        : state_(state), reader_(reader), erase_(std::move(erase)), report_(std::move(report)) {}

    /// A whole sweep, before the first packet (C12).
    void first(Time now);
    /// Begins a sweep if one is wanted and allowed. Returns when to ask again; nullopt: with the next event.
    std::optional<Time> advance(Time now);
    /// FlowReader::descriptor() is readable.
    void readable(Time now);

    /// A packet wants to know what conntrack has now: the number of the sweep that begins next, which will
    /// begin soon; nullopt: not soon enough for a packet to wait for it.
    std::optional<std::uint64_t> ask(Time now);
    /// Sweeps up to this number have ended, well or not.
    std::uint64_t ended() const { return ended_; }

  private:
    /// How often the state is asked without any event whether it wants to look after silent calls.
    static constexpr Time look{2000};
    /// The longest that a packet waits for a sweep to begin: less than the sender's patience (T1, RFC 3261
    /// 17.1.1.2), or a retransmission more.
    static constexpr Time patience{700};

    void begin(Time now);
    void take(const FlowReader::Piece& piece, Time now);

    State& state_;
    FlowReader& reader_;
    Erase erase_;
    Report report_;
    SweepBudget budget_;
    bool asked_ = false;
    std::uint64_t begun_ = 0, ended_ = 0;
    std::size_t seen_ = 0;  ///< entries of this sweep
    std::vector<ConntrackTuple> doomed_;
    std::chrono::microseconds spent_{0};  ///< here; the reader counts its own
    bool failed_before_ = false;
};

}  // namespace sipalg::daemon
