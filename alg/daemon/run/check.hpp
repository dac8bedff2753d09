// The dry run: `--check`.
#pragma once

#include <iosfwd>

#include "alg/daemon/config/options.hpp"

namespace sipalg::daemon {

/// Asks the kernel whether all of it would work and writes what would be installed to `out`. Changes nothing.
/// Throws what starting with these options would throw.
void check(const Options& options, std::ostream& out);

}  // namespace sipalg::daemon
