// A router for cases: the core, a table in place of the kernel, and a clock that the cases set. It calls the
// core in the same way as the daemon.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "alg/core/door.hpp"
#include "alg/core/report.hpp"
#include "tests/cases/kernel.hpp"
#include "tests/unit/flow_tracker.hpp"

namespace sipalg::test {

/// Functions throw std::runtime_error if the step is not possible.
class Router {
  public:
    Router();

    /// A datagram from one side; returns what comes out on the other. `established`: whether conntrack has
    /// seen both directions of its flow; nullopt: as the packets before have it.
    std::string send(Side from, const Endpoint& source, const Endpoint& destination,
                     const std::string& payload, std::optional<bool> established = std::nullopt);
    /// The bytes that the phone would see if its message came back from outside. Changes no state.
    std::string way_back(const std::string& message, const Endpoint& phone, const Endpoint& peer);

    /// Lets time pass and handles expired deadlines.
    void wait(Seconds time);
    /// The kernel refuses the next transaction.
    void refuse() { kernel_.refuse(); }
    bool refuses() const { return kernel_.refuses(); }
    /// Puts a piece of a record into the kernel, as an earlier daemon would have left it.
    void leave_record(std::uint32_t id, const std::string& note);
    /// Another program empties the table, and the daemon restores it.
    void flush();
    /// The daemon is killed, and another one starts after `later` without restoring anything.
    void stay_down(Seconds later);
    /// The same, but the new daemon restores the elements. `outside`: the new address of the router, if it
    /// has changed.
    void restart(Seconds later, const std::optional<Address>& outside);

    void set_outside(const Address& address);
    /// Sets --external-address.
    void set_external(const Address& address);
    /// IPv4 is not translated from now on.
    void set_routed() { routed_ = true; }
    void set_occupied(const Socket& socket) { state_->set_occupied({socket}); }
    /// The owner's ruleset has one more port forward.
    void add_forward(const PortForward& forward);
    /// Sets a limit and starts with an empty state.
    void set_limit(std::size_t Policy::*member, std::size_t limit);
    /// Replaces all settings and starts with an empty state.
    void set_policy(const Policy& policy);
    /// Changes the settings for phones and peers.
    void change_treatments(const std::function<void(Treatments&)>& change);
    void listen(const Endpoint& phone);

    /// A packet from `remote` arrives at the latch: the kernel replaces the latch by a latched source, which
    /// the daemon then reads.
    void accept_by_latch(const Endpoint& outside, const Address& remote);
    /// The flows that later scans see.
    void set_conntrack(std::vector<ConntrackEntry> flows) { conntrack_ = std::move(flows); }
    void scan();
    /// Runs a scan that sees only this flow. True: the scan deletes it.
    bool scan_one(const ConntrackEntry& flow);

    State& state() { return *state_; }
    const TableKernel& kernel() const { return kernel_; }
    const Decision& decision() const { return decision_; }             ///< the latest one
    const std::vector<Event>& scan_events() const { return events_; }  ///< of the last scan
    bool asked() const { return asked_; }                              ///< the last packet asked about a flow
    Time now() const { return now_; }

  private:
    void start();
    void answer();
    Egress egress() const;
    Egress egress(const Endpoint& phone) const;
    void advance();
    bool put_in_force();
    void follow_address();

    Policy policy_;
    Address wan_ = Address::v4(0xCB007101);  ///< 203.0.113.1
    std::optional<State> state_;
    TableKernel kernel_;
    Decision decision_;
    Time now_{1'000'000};
    Address external_;
    bool routed_ = false;
    bool renumbering_refused_ = false;  ///< the kernel refused the last change of the address
    std::vector<ConntrackEntry> conntrack_;
    FlowTracker flows_;
    std::vector<Event> events_;
    bool asked_ = false;
};

}  // namespace sipalg::test
