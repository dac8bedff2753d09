// The limits of the daemon's tables and their use (X7), for `sipalgctl limits`.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "alg/core/state.hpp"
#include "alg/daemon/control/json.hpp"

namespace sipalg::daemon {

struct Limit {
    std::string name;
    std::size_t limit = 0;
    std::size_t in_use = 0;  ///< for a limit of one host: of the host that uses most
    std::string behaviour;   ///< the effect at the limit
    std::string option;      ///< the option that sets the limit; empty: it is fixed
};

/// Use of limits that the core does not know.
struct DaemonUse {
    std::size_t control_clients = 0;
    std::size_t readers = 0;  ///< control clients that read facts
    std::size_t routes = 0;   ///< answers of the kernel that are cached
};

/// Linear in the number of hosts.
std::vector<Limit> limits(const State& state, const DaemonUse& use);

Json to_json(const std::vector<Limit>& limits);

}  // namespace sipalg::daemon
