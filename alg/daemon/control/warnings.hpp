// Warnings of `sipalgctl status`: conditions that the owner should change.
#pragma once

#include <string>
#include <vector>

#include "alg/daemon/control/json.hpp"

namespace sipalg::daemon {

/// One sentence each, with the command or option that helps. Empty: all is well.
std::vector<std::string> warnings(const Status& status);

}  // namespace sipalg::daemon
