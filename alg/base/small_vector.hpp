// A vector whose first values need no memory of their own.
#pragma once

#include <boost/container/small_vector.hpp>
#include <cstddef>

namespace sipalg {

/// As std::vector, but the first N values are in the object itself: for lists that nearly always have so few
/// (P2). References end when the vector moves, also with those values.
template <class T, std::size_t N>
using SmallVector = boost::container::small_vector<T, N>;

}  // namespace sipalg
