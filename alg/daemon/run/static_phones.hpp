// Phones that allowed peers reach from the start of the daemon (N3).
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "alg/daemon/run/egress.hpp"
#include "alg/daemon/run/engine.hpp"

namespace sipalg::daemon {

/// The endpoints that the sections of phones list, at every outside address, or at their own where nothing is
/// translated.
std::vector<StaticPhone> static_endpoints(const Treatments& treatments,
                                          const std::vector<EgressChooser::End>& ends);

/// Has them mapped, and renews that each minute; says once what can't be had.
class StaticPhones {
  public:
    static constexpr Time every{60'000};

    /// Other settings or addresses: looks again at the next advance().
    void set(std::vector<StaticPhone> wanted);
    /// When there is something to do again; nullopt: never.
    std::optional<Time> advance(Engine& engine, Time now);

  private:
    std::vector<StaticPhone> wanted_;
    Time next_{0};
    std::set<std::string> said_;
};

}  // namespace sipalg::daemon
