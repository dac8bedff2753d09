// Reads interfaces, addresses and routes from the kernel.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "alg/daemon/run/egress.hpp"
#include "alg/daemon/run/interfaces.hpp"
#include "alg/daemon/run/routing.hpp"
#include "alg/sys/netlink.hpp"

namespace sipalg::daemon {

/// Sends requests to rtnetlink and receives its notifications. Throws std::system_error if a socket cannot be
/// opened.
class Rtnetlink : public Routing {
  public:
    Rtnetlink();
    /// `events`: a member of the groups of links, addresses and routes. `questions`: a member of none.
    Rtnetlink(std::unique_ptr<netlink::Channel> events, std::unique_ptr<netlink::Channel> questions);

    /// Also throws std::system_error if the kernel refuses, or if the dump is inconsistent at each attempt.
    Interfaces read() override;
    /// nullopt also if the kernel does not answer.
    std::optional<unsigned> route(const RouteQuery& query) override;

    int descriptor() const override { return events_->descriptor(); }
    Changes changes() override;

  private:
    void dump(std::uint16_t type, unsigned char family, const netlink::Conversation::Each& each);

    std::unique_ptr<netlink::Channel> events_;
    std::unique_ptr<netlink::Channel> questions_;
    netlink::Conversation talk_;
};

}  // namespace sipalg::daemon
