// The outside and inside interfaces: those of the options, or those of the default routes.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "alg/base/result.hpp"
#include "alg/base/time.hpp"
#include "alg/daemon/config/options.hpp"
#include "alg/daemon/run/egress.hpp"
#include "alg/daemon/run/interfaces.hpp"
#include "alg/daemon/run/routing.hpp"

namespace sipalg::daemon {

/// The outside interfaces for these options: the named ones, or those of the default routes outside a VRF.
std::vector<std::string> choose_outside(const Options& options, const Interfaces& interfaces);

/// Throws UsageError if a named interface does not exist, or an outside one belongs to a VRF;
/// std::runtime_error if none is named and there is no default route outside a VRF.
void check_interfaces(const Options& options, const Interfaces& interfaces);

/// Follows changes of the kernel's interfaces and routes.
class Network {
  public:
    /// Waits between attempts to read the interfaces: doubled from the first to the last.
    static constexpr Time first_retry{100};
    static constexpr Time last_retry{10'000};

    /// Reads the interfaces from the kernel. Throws like check_interfaces(), and std::system_error.
    explicit Network(const Options& options);
    Network(const Options& options, std::unique_ptr<Routing> routing);

    int descriptor() const { return routing_->descriptor(); }
    struct News {
        bool interfaces = false;  ///< own_addresses() may have changed
        bool outside = false;     ///< outside() has changed
    };
    /// Processes pending notifications without blocking. While there is no default route, the last ones stay
    /// in use. Fails if the interfaces cannot be read; call it again at retry_at().
    [[nodiscard]] Result<News> refresh(Time now);
    /// When to call refresh() without a notification; nullopt: no read has failed.
    std::optional<Time> retry_at() const { return retry_at_; }
    /// Sets other --external-address options.
    void set_external(const std::vector<Address>& external);

    const std::vector<std::string>& outside() const { return outside_; }
    std::vector<std::string> inside() const;
    std::vector<Address> own_addresses() const { return interfaces_.own_addresses(); }
    EgressChooser& egress() { return egress_; }
    /// Whether the router's own packets to this address leave by an outside interface.
    bool leads_outside(const Address& address) const;

  private:
    bool follows_routes_;
    std::vector<std::string> named_inside_;
    std::vector<Address> external_;
    std::unique_ptr<Routing> routing_;
    Interfaces interfaces_;
    std::vector<std::string> outside_;
    EgressChooser egress_;
    std::optional<Time> retry_at_;  ///< interfaces_ may be out of date: the last read failed
    Time pause_{0};                 ///< the wait that ends at retry_at_
};

}  // namespace sipalg::daemon
