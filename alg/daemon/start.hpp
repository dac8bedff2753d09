// The program sipalgd: from arguments to exit status.
#pragma once

#include <string>
#include <vector>

namespace sipalg::daemon {

/// Runs sipalgd. Returns the exit status: 0 clean stop, 1 runtime failure, 2 bad usage or configuration; the
/// reason has been written to stderr.
int start(const std::vector<std::string>& arguments);

}  // namespace sipalg::daemon
