// One call in full, for people.
#pragma once

#include <string>

#include "alg/ctl/lists.hpp"
#include "alg/ctl/request.hpp"

namespace sipalg::ctl {

/// The answer to `call`: each leg with its parties, media, timers and messages, then the pinholes.
std::string one_call(const Json& document, const Layout& layout);

}  // namespace sipalg::ctl
