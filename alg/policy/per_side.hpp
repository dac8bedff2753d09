// A pair of values, one for the inside and one for the outside.
#pragma once

#include <array>
#include <cstddef>

#include "alg/policy/policy.hpp"

namespace sipalg {

template <class T>
struct PerSide {
    std::array<T, 2> values{};  ///< inside, outside

    T& operator[](Side side) { return values[static_cast<std::size_t>(side)]; }
    const T& operator[](Side side) const { return values[static_cast<std::size_t>(side)]; }
    auto begin() { return values.begin(); }
    auto end() { return values.end(); }
    auto begin() const { return values.begin(); }
    auto end() const { return values.end(); }
    friend bool operator==(const PerSide&, const PerSide&) = default;
};

}  // namespace sipalg
