// The command `explain FILE`: a capture replayed, without a daemon.
#pragma once

#include <iosfwd>

#include "alg/ctl/options.hpp"

namespace sipalg::ctl {

/// Writes the explanation to `out`, as text or JSON, and with --html to a file. Returns the exit status.
/// Throws UsageError and std::runtime_error.
int explain_file(const Options& options, std::ostream& out);

}  // namespace sipalg::ctl
