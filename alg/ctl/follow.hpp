// The commands that follow the daemon's stream of facts: `watch` and `record`.
#pragma once

#include <iosfwd>

#include "alg/ctl/options.hpp"

namespace sipalg::ctl {

/// Prints a line for each fact until a signal or the daemon's end. Returns the exit status. Throws
/// NotServing.
int watch(const Options& options, std::ostream& out);
/// Writes a capture, or sends HEP, until a signal, the daemon's end, or --seconds. `log` gets how many
/// messages were recorded. Throws NotServing and std::runtime_error.
int record(const Options& options, std::ostream& log);

}  // namespace sipalg::ctl
