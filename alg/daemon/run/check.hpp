// The dry run: `--check`.
#pragma once

#include <iosfwd>

#include "alg/daemon/config/options.hpp"

namespace sipalg::daemon {

/// Asks the kernel whether it would take the configuration, and writes the ruleset that would be installed to
/// `out`. Changes nothing. Throws the same as starting with these options.
void check(const Options& options, std::ostream& out);

}  // namespace sipalg::daemon
