// The program from its arguments to its exit status.
#pragma once

#include <string>
#include <vector>

namespace sipalg::daemon {

/// Everything sipalgd does. Returns the exit status: 0 clean stop, 1 runtime failure, 2 bad usage or
/// configuration; what went wrong has then been said on stderr.
int start(const std::vector<std::string>& arguments);

}  // namespace sipalg::daemon
