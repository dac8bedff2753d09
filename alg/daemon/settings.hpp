// Converts the options to settings of the core and of the ruleset.
#pragma once

#include <string>
#include <vector>

#include "alg/daemon/config/options.hpp"
#include "alg/policy/policy.hpp"
#include "nft/settings.hpp"

namespace sipalg::daemon {

Policy policy_of(const Options& options);

/// The state file: `--state`, else `state` beside the control socket.
std::string state_path(const Options& options);

/// The peers and phones for which the ruleset has exceptions.
nft::Hosts hosts_of(const Treatments& treatments);

/// The ruleset with these outside interfaces.
nft::Settings ruleset_settings(const Options& options, const std::vector<std::string>& outside);

}  // namespace sipalg::daemon
