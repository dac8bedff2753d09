// The dry run: `--check`.
#pragma once

#include <iosfwd>

#include "alg/daemon/config/options.hpp"

namespace sipalg::daemon {

/// Asks the kernel whether it would take the configuration, also beside a running daemon. Writes a verdict,
/// warnings and the settings in use to `out`, with Options::check_rules the ruleset too. Changes nothing.
/// Throws the same as starting with these options.
void check(const Options& options, std::ostream& out);

}  // namespace sipalg::daemon
