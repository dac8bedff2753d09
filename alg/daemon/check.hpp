// The dry run: `--check`.
#pragma once

#include <iosfwd>

#include "alg/daemon/config/options.hpp"

namespace sipalg::daemon {

/// Asks the kernel whether it would accept the configuration, also while a daemon is running. Writes a
/// verdict, warnings and the settings in use to `out`, and with Options::check_rules the ruleset. Changes
/// nothing. Throws the same errors as a start with these options.
void check(const Options& options, std::ostream& out);

}  // namespace sipalg::daemon
