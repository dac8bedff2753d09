// Reading the daemon's elements back from the kernel.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "alg/kernel/element.hpp"
#include "nft/link.hpp"
#include "nft/sets.hpp"
#include "nft/transaction.hpp"

namespace sipalg::nft {

/// All elements of the table with the rest of their timeouts, rounded up. Mappings of which half is missing
/// and elements not made by sipalgd are left out. Empty without the table. Throws Error.
std::vector<StoredElement> read_elements(Link& link, const std::string& table);

/// The sources that latches have let in (C5). Empty without the table. Throws Error.
std::vector<LatchedSource> read_latched(Link& link, const std::string& table);

/// The two maps as they are. False: no such table. Throws Error.
bool read_maps(Link& link, const std::string& table, MapContents& maps);

/// Whether a set has lost all its elements: for each set, an element that comes from the settings, or the
/// expected one that lives longest, is looked up. Sets that rules change are not looked at. Throws Error.
bool any_set_flushed(Link& link, const std::string& table, const std::vector<SetDefinition>& sets,
                     std::span<const Change> expected);

}  // namespace sipalg::nft
