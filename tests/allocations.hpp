// Counts what a program allocates (P1). Whoever is built with allocations.cpp has its operator new.
#pragma once

#include <cstddef>

namespace test {

/// Calls of operator new, of any form, since the program began.
extern std::size_t allocations;

}  // namespace test
