// Mode `observe`: reports the daemon's decisions without acting on them (O7).
//
// Theory of operation. Packets whose mode is `observe` go to a second core, which makes the same decisions as
// the first would. Its changes are committed without a transaction, so they do not exist in the kernel, and
// its packets are forwarded unmodified.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "alg/core/call_detail.hpp"
#include "alg/core/door.hpp"
#include "alg/core/report.hpp"

namespace sipalg::daemon {

class Observer {
  public:
    explicit Observer(const Policy& policy) { restart(policy); }
    /// Forgets everything.
    void restart(const Policy& policy);

    struct Seen {
        Reason reason = Reason::unchanged;
        std::span<const Event> events;  ///< valid until the next call
        std::optional<Time> next;       ///< of advance(): the time of the next call
    };
    Seen see(const Arrival& arrival, Time now);
    Seen advance(Time now);

    /// Handles a change of the router's address; see sipalg::renumber().
    void renumber(std::span<const AddressChange> moves, Time now);
    /// X12: the ports that the owner forwards.
    void set_forwards(const std::vector<PortForward>& forwards, Time now);

    State& state() { return *state_; }
    /// The decision of see() or advance(); valid until the next call.
    Decision& decision() { return decision_; }
    std::vector<Egress> egresses() const { return state_->egresses(); }
    /// See report_calls(), report_newest_calls() and report_bindings().
    std::vector<CallReport> calls() const;
    std::vector<CallReport> newest_calls(std::size_t most) const;
    std::vector<CallDetail> call(std::string_view call_id, Time now) const;
    std::vector<PinholeReport> pinholes(Time now) const;
    std::vector<BindingReport> bindings(Time now, std::size_t most) const;

  private:
    std::optional<State> state_;
    Decision decision_;
};

}  // namespace sipalg::daemon
