// A router for cases: the core, a table for a kernel, a clock that cases move. It does as the daemon does.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "alg/core/door.hpp"
#include "alg/core/report.hpp"
#include "tests/cases/kernel.hpp"

namespace sipalg::test {

/// What cannot be done throws std::runtime_error.
class Router {
  public:
    Router();

    /// A datagram from one side; returns what comes out on the other.
    std::string send(Side from, const Endpoint& source, const Endpoint& destination,
                     const std::string& payload);
    /// What a message that the phone has sent would be if it came back. Asked of the translation alone:
    /// nothing is staged.
    std::string way_back(const std::string& message, const Endpoint& phone, const Endpoint& peer);

    /// Everything that is due meanwhile happens.
    void wait(Seconds time);
    /// The kernel refuses the next changes.
    void refuse() { kernel_.refuse(); }
    bool refuses() const { return kernel_.refuses(); }
    /// A piece of a record that another daemon has left in the kernel.
    void leave_record(std::uint32_t id, const std::string& note);
    /// Somebody empties the table; the daemon fills it again.
    void flush();
    /// The daemon ends; one that knows nothing begins that much later.
    void die(Seconds later);
    /// The same, but it takes over what is in the kernel, at this address outside.
    void restart(Seconds later, const std::optional<Address>& outside);

    void set_outside(const Address& address);
    /// What the world sees in its place.
    void set_external(const Address& address);
    /// Of IPv4, nothing is translated.
    void set_routed() { routed_ = true; }
    void set_occupied(const Socket& socket) { state_->set_occupied({socket}); }
    /// A ceiling; on an empty router.
    void bound(std::size_t Policy::*ceiling, std::size_t most);
    /// From now on phones and peers are treated as `change` has it.
    void treat(const std::function<void(Treatments&)>& change);
    void listen(const Endpoint& phone);

    /// The kernel takes the latch away with the first packet and says who sent it.
    void learn(const Endpoint& outside, const Address& remote);
    /// The flows that sweeps see.
    void set_conntrack(std::vector<ConntrackEntry> flows) { conntrack_ = std::move(flows); }
    void sweep();
    /// A sweep that sees this flow alone; whether it has the flow erased.
    bool sweep_one(const ConntrackEntry& flow);

    State& state() { return *state_; }
    const TableKernel& kernel() const { return kernel_; }
    const Decision& decision() const { return decision_; }         ///< the last one
    const std::vector<Event>& scanned() const { return events_; }  ///< events of the last sweep
    bool asked() const { return asked_; }  ///< the last packet had conntrack looked through first
    Time now() const { return now_; }

  private:
    void start();
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
    bool to_follow_ = false;  ///< the kernel has refused a change of the address
    std::vector<ConntrackEntry> conntrack_;
    std::vector<Event> events_;
    bool asked_ = false;
};

}  // namespace sipalg::test
