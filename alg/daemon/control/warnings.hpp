// Warnings of `sipalgctl status`: conditions that the owner should change.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "alg/daemon/control/json.hpp"

namespace sipalg::daemon {

/// One sentence each, with the command or option that helps. Empty: all is well.
std::vector<std::string> warnings(const Status& status);

/// X12: the warning if the owner's port forwards leave too few ports of --media-ports; nullopt: there are
/// enough.
std::optional<std::string> scarce_media_ports(std::size_t left);

}  // namespace sipalg::daemon
