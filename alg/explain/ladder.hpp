// An explanation as text for a terminal.
#pragma once

#include <string>

#include "alg/explain/explanation.hpp"

namespace sipalg::explain {

/// Ladder, changes, pinholes, media and verdict of each conversation (O2). Everything from the network is
/// escaped.
std::string ladder(const Explanation& explanation);

}  // namespace sipalg::explain
