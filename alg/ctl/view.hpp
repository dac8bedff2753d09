// The daemon's documents as people read them.
#pragma once

#include <string>

#include "alg/ctl/request.hpp"

namespace sipalg::ctl {

/// The answer to `command` as text for a terminal: columns, or a sentence when there is nothing. Fields that
/// are missing or of another kind are shown as "-": a newer daemon may say other things.
std::string view(const std::string& command, const Json& document);

}  // namespace sipalg::ctl
