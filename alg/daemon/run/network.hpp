// Where the router stands: its outside and inside as the owner named them or as the routes say.
#pragma once

#include <string>
#include <vector>

#include "alg/daemon/config/options.hpp"
#include "alg/daemon/run/egress.hpp"
#include "alg/daemon/run/interfaces.hpp"
#include "alg/daemon/run/rtnetlink.hpp"

namespace sipalg::daemon {

/// The outside interfaces for these options: the named ones, or those of the default routes.
std::vector<std::string> choose_outside(const Options& options, const Interfaces& interfaces);

/// Throws UsageError if a named interface does not exist, std::runtime_error if none is named and there is no
/// default route.
void check_interfaces(const Options& options, const Interfaces& interfaces);

/// Follows the kernel's interfaces and routes.
class Network {
  public:
    /// Throws as check_interfaces() does, and std::system_error.
    explicit Network(const Options& options);

    int descriptor() const { return rtnetlink_.descriptor(); }
    struct News {
        bool interfaces = false;  ///< own_addresses() may be others now
        bool outside = false;     ///< outside() is another
    };
    /// Takes in what changed, without blocking. While no default route is left, those of before stay outside.
    News refresh();
    /// Other --external-address.
    void set_external(const std::vector<Address>& external);

    const std::vector<std::string>& outside() const { return outside_; }
    std::vector<std::string> inside() const;
    std::vector<Address> own_addresses() const { return interfaces_.own_addresses(); }
    EgressChooser& egress() { return egress_; }

  private:
    bool follows_routes_;
    std::vector<std::string> named_inside_;
    std::vector<Address> external_;
    Rtnetlink rtnetlink_;
    Interfaces interfaces_;
    std::vector<std::string> outside_;
    EgressChooser egress_;
};

}  // namespace sipalg::daemon
