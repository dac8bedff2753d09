// An explanation as text for a terminal.
#pragma once

#include <string>
#include <vector>

#include "alg/explain/explanation.hpp"

namespace sipalg::explain {

/// Ladder, changes, pinholes, media and verdict of each conversation (O2). Everything from the network is
/// escaped.
std::string ladder(const Explanation& explanation);

/// Sentences about frames that could not be read, one for successive frames with the same reason. Not
/// escaped.
std::vector<std::string> unread_lines(const Explanation& explanation);

}  // namespace sipalg::explain
