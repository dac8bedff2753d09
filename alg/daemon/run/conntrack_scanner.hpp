// Scans the conntrack table for entries to delete, for media that still flows, and for the mappings of the
// owner's NAT.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "alg/core/conntrack_scan.hpp"
#include "alg/core/door.hpp"
#include "alg/daemon/run/flow_reader.hpp"

namespace sipalg::daemon {

/// The time at which the next scan may begin: at least 600 ms after the beginning of the last one, and late
/// enough that scans take at most a tenth of the time.
class ScanBudget {
  public:
    static constexpr Time shortest_pause{600};
    static constexpr int share = 10;  ///< scans take at most one part in ten

    void began(Time now) { began_ = now; }
    /// `spent` is the work of the whole scan.
    void ended(std::chrono::microseconds spent);
    Time next() const { return next_; }

  private:
    Time began_{0};
    Time next_{0};
};

/// Runs one scan at a time, in the pieces that the reader delivers.
class ConntrackScanner {
  public:
    /// Deletes conntrack entries; throws std::exception.
    using Erase = std::function<void(std::span<const ConntrackTuple>)>;
    /// Logs.
    using Report = std::function<void(std::span<const Event>, Time now)>;
    ConntrackScanner(State& state, FlowReader& reader, Erase erase, Report report)
        : state_(state), reader_(reader), erase_(std::move(erase)), report_(std::move(report)) {}

    /// Runs a whole scan, before the first packet (C12).
    void first(Time now);
    /// Begins a scan if one is needed and allowed. Returns when to call again; nullopt: after the next event.
    std::optional<Time> advance(Time now);
    /// Call it when FlowReader::descriptor() is readable.
    void readable(Time now);

  private:
    /// The interval at which the state is asked whether calls need a scan for silence.
    static constexpr Time ask_every{2000};
    /// With more flows, whole tables are read instead.
    static constexpr std::size_t most_known = 16384;
    /// Translated flows of hosts that are not known as phones yet.
    static constexpr std::size_t most_others = 4096;

    void begin(Time now);
    void report_offloaded();
    void process(const FlowReader::Piece& piece, Time now);
    void follow(const ConntrackEntry& flow);
    void conclude(bool complete);

    State& state_;
    FlowReader& reader_;
    Erase erase_;
    Report report_;
    ScanBudget budget_;
    std::size_t seen_ = 0;       ///< entries of this scan
    std::size_t offloaded_ = 0;  ///< entries of signalling that are in a flowtable
    bool offload_reported_ = false;
    std::vector<ConntrackTuple> to_erase_;
    Extent extent_ = Extent::whole;      ///< of this scan
    std::vector<ConntrackTuple> known_;  ///< sorted: the flows that the last scan has followed
    std::vector<ConntrackTuple> followed_;
    std::vector<ConntrackEntry> others_;  ///< of the whole table: their host may have signalling further on
    std::chrono::microseconds spent_{0};  ///< in this thread; the reader counts its own time
    bool failed_before_ = false;
};

}  // namespace sipalg::daemon
