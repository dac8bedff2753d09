// Mode `observe`: reports the daemon's decisions without acting on them (O7).
//
// Theory of operation. Packets whose mode is `observe` go to a second core, which decides as the first would.
// Its changes are committed without a transaction, so the kernel has none of them, and the packets are
// forwarded unmodified. Its calls and registrations are those that the first core would have.
#pragma once

#include <optional>
#include <span>
#include <vector>

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
        std::optional<Time> next;       ///< of advance(): when there is something to do again
    };
    Seen see(const Arrival& arrival, Time now);
    Seen advance(Time now);

    /// The router's address has changed; see sipalg::renumber().
    void renumber(std::span<const AddressChange> moves, Time now);

    State& state() { return *state_; }
    std::vector<Egress> egresses() const { return state_->egresses(); }
    std::vector<CallReport> calls() const;
    std::vector<PinholeReport> pinholes(Time now) const;
    std::vector<BindingReport> bindings(Time now) const;

  private:
    std::optional<State> state_;
    Decision decision_;
};

}  // namespace sipalg::daemon
