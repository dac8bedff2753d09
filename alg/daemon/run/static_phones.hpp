// Phones that allowed peers reach from the start of the daemon (N3).
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "alg/daemon/run/egress.hpp"
#include "alg/daemon/run/engine.hpp"

namespace sipalg::daemon {

/// The endpoints of the `listen` settings, with each outside address, or for a phone that is not translated,
/// with its own address.
std::vector<StaticPhone> static_endpoints(const Treatments& treatments,
                                          const std::vector<EgressChooser::End>& ends);

/// Maps them and renews the mappings each minute. Logs once for each endpoint that can't be mapped.
class StaticPhones {
  public:
    static constexpr Time every{60'000};

    /// Sets other settings or addresses, which are mapped at the next advance().
    void set(std::vector<StaticPhone> wanted);
    /// Returns when to call again; nullopt: there are none.
    std::optional<Time> advance(Engine& engine, Time now);

  private:
    std::vector<StaticPhone> wanted_;
    Time next_{0};
    std::set<std::string> logged_;
};

}  // namespace sipalg::daemon
