// The door of the core: a packet or a point in time in, a decision out.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>

#include "alg/core/decision.hpp"
#include "alg/core/state.hpp"

namespace sipalg {

/// Decides over one packet. Clears `decision` first (its buffers are used again).
void inspect(State& state, const Arrival& arrival, Time now, Decision& decision);
/// TCP, after inspect() and expire(): gives verdicts to the packet of the decision and to those that have
/// been queued for it, now that its changes are `in_force` or were refused. Fills Decision::outputs.
void conclude(State& state, bool in_force, Time now, Decision& decision);
/// Resets the connections whose bytes have moved: nothing would translate them after a stop (T4).
void end_connections(State& state, Time now, Decision& decision);
/// Closes and renews what is due. Call when State::next_deadline() has come.
void expire(State& state, Time now, Decision& decision);
/// Closes calls at the owner's request: those with this Call-ID, or all of them (nullopt). At most 64 at
/// once, so that one transaction stays small: call again until it returns 0. Returns how many.
std::size_t close_calls(State& state, const std::optional<std::string>& call_id, Time now,
                        Decision& decision);
/// Opens pinholes for the sources that latches let in (C5).
void note_latched(State& state, std::span<const LatchedSource> sources, Time now, Decision& decision);

}  // namespace sipalg
