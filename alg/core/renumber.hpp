// A change of the router's address (C11).
#pragma once

#include <span>

#include "alg/core/state.hpp"

namespace sipalg {

/// Moves everything that stands at an old address of the router to the new one (C11). Each `from` at most
/// once.
void renumber(State& state, std::span<const AddressChange> moves, Time now, Decision& decision);

}  // namespace sipalg
