// The commands that follow the daemon's stream of facts: `watch` and `record`.
#pragma once

#include <iosfwd>
#include <string>

#include "alg/ctl/options.hpp"
#include "alg/ctl/request.hpp"

namespace sipalg::ctl {

/// The line of `watch` for a fact, without the line end. Escaped. Precondition: it is an object.
std::string watch_line(const Json& fact);
/// Prints a line for each fact until a signal arrives or the daemon stops. Returns the exit status. Throws
/// NotServing.
int watch(const Options& options, std::ostream& out);
/// Writes a capture, or sends HEP, until a signal arrives, the daemon stops, or --seconds are over. Writes
/// the number of recorded messages to `log`. Throws NotServing and std::runtime_error.
int record(const Options& options, std::ostream& log);

}  // namespace sipalg::ctl
