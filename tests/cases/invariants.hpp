// Invariants between the state and the kernel, which hold after every step.
#pragma once

#include "alg/core/door.hpp"
#include "tests/cases/kernel.hpp"

namespace sipalg::test {

/// Throws std::runtime_error that names the violation: an element without an owner in the state, a wrong
/// reference count, an element that only the state has, a record that differs from its call, or an entry that
/// should have expired. Call it after all deadlines up to `now` were handled.
void check_invariants(State& state, const TableKernel& kernel, Time now);

}  // namespace sipalg::test
