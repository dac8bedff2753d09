// The interface to the kernel's interfaces, addresses and routes.
#pragma once

#include <optional>

#include "alg/daemon/run/egress.hpp"
#include "alg/daemon/run/interfaces.hpp"

namespace sipalg::daemon {

/// Implemented by Rtnetlink, and by fakes in tests.
class Routing {
  public:
    virtual ~Routing() = default;
    /// All interfaces, addresses and default routes, and whether marks decide. Throws std::system_error if
    /// the kernel does not answer.
    virtual Interfaces read() = 0;
    /// The interface through which the kernel would forward a packet; nullopt: no route.
    virtual std::optional<unsigned> route(const RouteQuery& query) = 0;

    struct Changes {
        bool interfaces = false;  ///< links, addresses, default routes or policy rules: call read() again
        bool routes = false;      ///< any route or policy rule: earlier results of route() may be wrong
    };
    virtual int descriptor() const = 0;  ///< readable: call changes()
    /// The kind of the pending notifications. Does not block.
    virtual Changes changes() = 0;
};

}  // namespace sipalg::daemon
