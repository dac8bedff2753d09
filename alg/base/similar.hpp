// The word that a mistyped one was probably meant to be.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

namespace sipalg {

/// Levenshtein distance: insertions, deletions and replacements that turn one word into the other.
std::size_t edit_distance(std::string_view a, std::string_view b);

/// The choice nearest to `word`; nullopt if none is near: more than a third of the longer word differs, or
/// more than three characters.
std::optional<std::string_view> most_similar(std::string_view word,
                                             std::span<const std::string_view> choices);

}  // namespace sipalg
