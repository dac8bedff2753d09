// Objects of an earlier run in the kernel, under the table's name.
#pragma once

#include <cstdint>
#include <string>

#include "nft/batch.hpp"
#include "nft/link.hpp"
#include "nft/table.hpp"

namespace sipalg::nft {

enum class Presence : std::uint8_t { absent, ours, foreign };

/// Whether a table of that name exists, and whether it is one of sipalgd, which has a known comment. Throws
/// Error.
Presence presence(Link& link, const std::string& table);

/// presence() == ours; throws Error for a foreign table, with the remedy.
bool require_ours_or_none(Link& link, const std::string& table);

/// Adds messages that delete the rules, chains and unwanted sets of an earlier run, or that create the table
/// if there is none. Returns the sets that are defined exactly as in `wanted`; they stay with their elements
/// (A5). Throws Error for a foreign table.
Names clear_leftover(Link& link, Batch& batch, const std::string& table, const Table& wanted);

}  // namespace sipalg::nft
