// Counts what a program allocates (P1). Programs built with allocations.cpp use its operator new.
#pragma once

#include <cstddef>

namespace test {

/// Calls of operator new, of any form, since the program began.
extern std::size_t allocations;

}  // namespace test
