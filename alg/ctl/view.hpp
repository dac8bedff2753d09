// The daemon's documents as text for people.
#pragma once

#include <string>

#include "alg/ctl/lists.hpp"
#include "alg/ctl/request.hpp"

namespace sipalg::ctl {

/// The answer to `command` as text for a terminal: columns, or a sentence if there are no rows. Missing
/// fields and fields of another type are shown as "-", since a newer daemon may differ.
std::string view(const std::string& command, const Json& document, const Layout& layout = {});

}  // namespace sipalg::ctl
