// What must hold between the state and the kernel at every moment, whatever came before.
#pragma once

#include "alg/core/door.hpp"
#include "tests/cases/kernel.hpp"

namespace sipalg::test {

/// Throws std::runtime_error that names what is wrong: an element that nobody accounts for, a holder that is
/// counted but not there, something held that the kernel has lost, a record that is not the call's, something
/// that should have been forgotten by now. Everything due at `now` must have been done.
void check_invariants(State& state, const TableKernel& kernel, Time now);

}  // namespace sipalg::test
