// Suggestions for mistyped words.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

namespace sipalg {

/// Levenshtein distance: insertions, deletions and replacements that turn one word into the other.
std::size_t edit_distance(std::string_view a, std::string_view b);

/// The choice, in lower case, with the smallest distance to `word` in any case. nullopt if every distance is
/// more than a third of the longer word, or more than three.
std::optional<std::string_view> most_similar(std::string_view word,
                                             std::span<const std::string_view> choices);

}  // namespace sipalg
