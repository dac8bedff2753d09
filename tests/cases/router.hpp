// A router for cases: the core, a table for a kernel, a clock that cases move.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "alg/inspect.hpp"
#include "tests/cases/kernel.hpp"
#include "tests/cases/text.hpp"

namespace sipalg::test {

/// Plays steps. Every expectation that is not met throws std::runtime_error that tells both sides.
class Router {
  public:
    Router();
    void play(const Step& step);

  private:
    void packet(const Step& step);
    void wait(Seconds time);
    void seen(const Step& step);
    void know(const Step& step);
    void sweep();
    void restart();
    void treat(const Step& step);
    void bound(const std::string& what, std::size_t most);
    void set_mode(const Step& step);
    void learn(const Endpoint& outside, const Address& remote);
    void follow_address();
    State fresh_state() const;
    void advance();
    bool put_in_force();
    void check_reports() const;
    void check_inverse(const std::string& out, const std::string& original, const Endpoint& phone,
                       const Endpoint& peer);
    Egress egress() const;
    Egress egress(const Endpoint& phone) const;
    std::string send(Side from, const Endpoint& source, const Endpoint& destination,
                     const std::string& payload);

    Policy policy_;
    Address wan_ = Address::v4(0xCB007101);  ///< 203.0.113.1
    State state_;
    TableKernel kernel_;
    Decision decision_;
    Time now_{1'000'000};
    Address external_;
    bool refuse_ = false;
    bool routed_ = false;              ///< IPv4 without translation
    bool to_follow_ = false;           ///< the kernel has refused a change of the address
    std::vector<FlowSeen> conntrack_;  ///< the flows that sweeps see
    std::vector<Event> events_;        ///< of the last sweep
    bool asked_ = false;               ///< the last packet had conntrack looked through first
};

}  // namespace sipalg::test
