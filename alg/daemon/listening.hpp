// Phones that allowed peers reach from the start of the daemon (N3).
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "alg/daemon/egress.hpp"
#include "alg/daemon/engine.hpp"

namespace sipalg::daemon {

/// The endpoints that the sections of phones list, at every outside address, or at their own where nothing is
/// translated.
std::vector<Listening> listening(const Treatments& treatments, const std::vector<EgressChooser::End>& ends);

/// Has them mapped, and renews that each minute; says once what can't be had.
class ListeningPhones {
  public:
    static constexpr Time every{60'000};

    /// Other settings or addresses: looks again at the next advance().
    void set(std::vector<Listening> wanted);
    /// When there is something to do again; nullopt: never.
    std::optional<Time> advance(Engine& engine, Time now);

  private:
    std::vector<Listening> wanted_;
    Time next_{0};
    std::set<std::string> said_;
};

}  // namespace sipalg::daemon
