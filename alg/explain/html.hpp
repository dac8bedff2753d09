// An explanation as one HTML page without external resources.
#pragma once

#include <string>
#include <string_view>

#include "alg/explain/explanation.hpp"

namespace sipalg::explain {

/// The page (O2). `title` names the capture. Everything from the network is escaped, and the page's content
/// security policy allows only its own script and no requests.
std::string html(const Explanation& explanation, std::string_view title);

}  // namespace sipalg::explain
