// Keeps the elements of a clean stop for the next start (A5).
#pragma once

#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "alg/core/state.hpp"
#include "alg/daemon/run/engine.hpp"
#include "alg/daemon/run/state_file.hpp"
#include "alg/kernel/element.hpp"

namespace sipalg::daemon {

/// The state file during the life of a daemon: load(), put_back(), and at the end save(). Each failure is
/// logged with the loss.
class KeptState {
  public:
    explicit KeptState(StateFile file) : file_(std::move(file)) {}

    /// Reads the file, and makes its directory if that is missing. A file that is refused, or that this
    /// daemon will not be able to write, is logged.
    void load();
    /// A section of the file, until put_back(); empty: there is none.
    std::string_view section(std::string_view name) const { return content_.sections.find(name); }
    /// Puts the file's elements into the kernel, and removes the file when the kernel has acknowledged them.
    /// If a killed daemon has left `elements` in the kernel, the file is out of date and only removed.
    /// Returns the time at which the restored elements were written; nullopt: none were restored.
    std::optional<Time> put_back(Kernel& kernel, std::span<const StoredElement> elements, Time now);
    /// Writes `elements`, all that the kernel should have, and the other sections. If there are no calls,
    /// bindings or other sections, removes the file.
    void save(std::span<const Change> elements, StateSections others, const Totals& totals, Time now) const;

  private:
    StateFile file_;
    StateFile::Content content_;
};

/// Closes the confirmed calls that have probably ended since the stop: conntrack has no flow of their media
/// or of their phone's signalling, they are not on hold, and no session timer will end them. No effect until
/// the time of a transaction has passed. Call after the first conntrack scan.
void close_ended(Engine& engine, const State& state, Time stopped, Time now);

}  // namespace sipalg::daemon
