// An explanation as one HTML page that needs nothing else.
#pragma once

#include <string>
#include <string_view>

#include "alg/explain/explanation.hpp"

namespace sipalg::explain {

/// The page (O2). `title` names the capture. Everything from the network is escaped, and the page allows no
/// script but its own and no request to anywhere.
std::string html(const Explanation& explanation, std::string_view title);

}  // namespace sipalg::explain
