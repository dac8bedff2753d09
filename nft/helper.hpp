// The kernel's own SIP conntrack helper, which must not work on the same flows (X10).
#pragma once

#include <optional>
#include <string>

#include "nft/link.hpp"

namespace sipalg::nft {

/// What assigns the kernel's `sip` helper to flows, and the command that ends it; nullopt: nothing does.
/// `root` is put before /proc and /sys.
std::optional<std::string> kernel_helper_in_use(Link& link, const std::string& root = "");

/// The part of it that old kernels (before 6.0) have: helpers assigned by port alone.
std::optional<std::string> automatic_helper(const std::string& root);

}  // namespace sipalg::nft
