// The daemon's numbers for monitoring.
#pragma once

#include <string>

#include "alg/ctl/request.hpp"

namespace sipalg::ctl {

/// The answer to `status` as OpenMetrics 1.0 text, with its end mark. Throws NotServing if it is no such
/// answer.
/// What monitoring needs (O6).
std::string metrics(const Json& status);

}  // namespace sipalg::ctl
