// What an earlier run of ours may have left in the kernel under the table's name.
#pragma once

#include <cstdint>
#include <string>

#include "nft/batch.hpp"
#include "nft/link.hpp"
#include "nft/table.hpp"

namespace sipalg::nft {

enum class Presence : std::uint8_t { absent, ours, foreign };

/// Whose table of that name is there: ours has our comment.
Presence presence(Link& link, const std::string& table);

/// Like presence() == ours, but throws Error for a foreign table, with what to do about it.
bool require_ours_or_none(Link& link, const std::string& table);

/// Adds the messages that take rules, chains and unwanted sets of an earlier run out of the table, or that
/// make the table where there is none. Returns the sets that stay, with their elements: those that have just
/// the form that `wanted` gives them. Throws Error for a foreign table.
Names clear_previous(Link& link, Batch& batch, const std::string& table, const Table& wanted);

}  // namespace sipalg::nft
