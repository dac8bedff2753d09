// Finds the kernel's own SIP conntrack helper, which must not handle the same flows (X10).
#pragma once

#include <optional>
#include <string>

#include "nft/link.hpp"

namespace sipalg::nft {

/// X10. The rule or setting that assigns the kernel's `sip` helper to flows, and the command that removes it;
/// nullopt: none. `root` is put before /proc and /sys. Throws Error.
std::optional<std::string> kernel_helper_in_use(Link& link, const std::string& root = "");

/// The setting of kernels before 6.0 that assigns helpers by port.
std::optional<std::string> automatic_helper(const std::string& root);

}  // namespace sipalg::nft
