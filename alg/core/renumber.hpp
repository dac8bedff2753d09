// A change of the router's address (C11).
#pragma once

#include <span>

#include "alg/core/state.hpp"

namespace sipalg {

/// Moves all entries at an old address of the router to the new one (C11). `moves` has each `from` at most
/// once.
void renumber(State& state, std::span<const AddressChange> moves, Time now, Decision& decision);

}  // namespace sipalg
