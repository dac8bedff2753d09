// Tables with one row for each value of an enum that ends in count_.
#pragma once

#include <array>
#include <cstddef>

namespace sipalg {

/// For a static_assert: every value of the enum has a row, and the rows are in the enum's order, so that the
/// value is the index. `key` is the row's member that names the value.
template <class Row, std::size_t N, class Key>
constexpr bool is_in_order(const std::array<Row, N>& rows, Key Row::*key) {
    if (N != static_cast<std::size_t>(Key::count_)) return false;
    for (std::size_t i = 0; i < N; ++i)
        if (static_cast<std::size_t>(rows[i].*key) != i) return false;
    return true;
}

}  // namespace sipalg
