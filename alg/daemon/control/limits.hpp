// The limits of the daemon's tables and their use (X7), for `sipalgctl limits`.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "alg/core/report.hpp"
#include "alg/daemon/control/json.hpp"
#include "alg/policy/policy.hpp"

namespace sipalg::daemon {

struct Limit {
    std::string name;
    std::size_t limit = 0;
    std::optional<std::size_t>
        in_use;             ///< for a limit of one host: of the host that uses most; nullopt: not counted
    std::string behaviour;  ///< what happens at the limit
};

/// Use of limits that the core does not report.
struct DaemonUse {
    std::size_t postponed = 0;  ///< packets that wait for a scan
    std::size_t segments = 0;   ///< segments that wait for the rest of a message
    std::size_t control_clients = 0;
};

std::vector<Limit> limits(const Policy& policy, const Totals& totals, const std::vector<CallReport>& calls,
                          const std::vector<BindingReport>& bindings, const std::vector<FlowReport>& flows,
                          const DaemonUse& use);

Json to_json(const std::vector<Limit>& limits);

}  // namespace sipalg::daemon
