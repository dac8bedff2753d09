#include "alg/base/similar.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace sipalg {

std::size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j)
        row[j] = j;
    for (std::size_t i = 0; i < a.size(); ++i) {
        std::size_t diagonal = std::exchange(row[0], i + 1);
        for (std::size_t j = 0; j < b.size(); ++j) {
            const std::size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
            diagonal = row[j + 1];
            row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
        }
    }
    return row.back();
}

std::optional<std::string_view> most_similar(std::string_view word,
                                             std::span<const std::string_view> choices) {
    std::string lower(word);
    std::transform(lower.begin(), lower.end(), lower.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; });
    std::optional<std::string_view> best;
    std::size_t least = 0;
    for (const std::string_view choice : choices) {
        const std::size_t most = std::min<std::size_t>(3, (std::max(word.size(), choice.size()) + 2) / 3);
        const std::size_t distance = edit_distance(lower, choice);
        if (distance > most || (best && distance >= least)) continue;
        best = choice;
        least = distance;
    }
    return best;
}

}  // namespace sipalg
