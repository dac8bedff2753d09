// Adds messages to the ladder of their call.
#pragma once

#include "alg/base/time.hpp"
#include "alg/core/inspect_message.hpp"

namespace sipalg {

/// Call after `state.message` was inspected. No effect if it belongs to no call. Legs of one Call-ID at one
/// phone share a ladder.
void note_step(State& state, const Envelope& envelope, Time now, const Decision& decision);

/// Forgets the ladders of ended calls if they are many (X7).
void forget_old_ladders(State& state);

}  // namespace sipalg
