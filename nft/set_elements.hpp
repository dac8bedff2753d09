// Reads the elements of a set or map from the kernel.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "nft/link.hpp"

struct nftnl_set_elem;

namespace sipalg::nft {

/// Calls `each` for each element of a set or map; the element is valid until `each` returns. `family`:
/// NFPROTO_…. False: there is no such set. Throws Error.
bool each_set_element(Link& link, std::uint8_t family, const std::string& table, const std::string& set,
                      const std::function<void(nftnl_set_elem*)>& each);

}  // namespace sipalg::nft
