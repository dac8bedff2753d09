// The kernel's word on interfaces, addresses and routes.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "alg/daemon/run/egress.hpp"
#include "alg/daemon/run/interfaces.hpp"
#include "alg/daemon/run/routing.hpp"
#include "alg/sys/fd.hpp"

struct nlmsghdr;

namespace sipalg::daemon {

/// Asks rtnetlink, and hears of changes. Throws std::system_error when the kernel does not answer.
class Rtnetlink : public Routing {
  public:
    Rtnetlink();

    /// All there is now.
    Interfaces read() override;
    /// The interface through which a forwarded packet would leave.
    std::optional<unsigned> route(const RouteQuery& query) override;

    int descriptor() const override { return events_.get(); }  ///< readable when something changed
    /// What the events that wait are about; without blocking.
    Changes changes() override;

  private:
    void dump(std::uint16_t type, unsigned char family,
              const std::function<void(const nlmsghdr*)>& message) const;

    Fd events_;
    Fd requests_;
};

}  // namespace sipalg::daemon
