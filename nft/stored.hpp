// Reading the daemon's elements back from the kernel.
#pragma once

#include <string>
#include <vector>

#include "alg/kernel/element.hpp"
#include "nft/link.hpp"
#include "nft/transaction.hpp"

namespace sipalg::nft {

/// All elements of the table with what is left of their timeouts, rounded up. Half mappings and what is not
/// of our making are left out; nothing at all without the table.
std::vector<StoredElement> read_elements(Link& link, const std::string& table);

/// Whom latches have let in; nothing without the table.
std::vector<LatchedSource> read_learned(Link& link, const std::string& table);

/// The two maps as they are. False: no such table.
bool read_maps(Link& link, const std::string& table, MapContents& maps);

}  // namespace sipalg::nft
