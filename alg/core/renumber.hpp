// Moves mappings after a change of the router's address (C11) or of the owner's port forwards (X12).
#pragma once

#include <span>

#include "alg/core/state.hpp"

namespace sipalg {

/// Moves all entries at an old address of the router to the new one (C11). `moves` has each `from` at most
/// once.
void renumber(State& state, std::span<const AddressChange> moves, Time now, Decision& decision);

/// X12. Moves mappings to other ports if the owner's ruleset now forwards their ports to another host. The
/// decision is empty if there are none.
void leave_forwarded_ports(State& state, Time now, Decision& decision);

}  // namespace sipalg
