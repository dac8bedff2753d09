// The interface of the core: it takes a packet or a point in time and returns a decision.
#pragma once

#include <cstddef>
#include <functional>
#include <span>

#include "alg/core/decision.hpp"
#include "alg/core/state.hpp"

namespace sipalg {

/// Decides about one packet. Clears `decision` first and reuses its buffers.
void inspect(State& state, const Arrival& arrival, Time now, Decision& decision);
/// For TCP, after inspect() and expire(): fills Decision::outputs with the verdicts of this packet and of
/// packets that were queued before it. `in_force`: the kernel has accepted the changes.
void conclude(State& state, bool in_force, Time now, Decision& decision);
/// P4: whether State::cancel() can take back everything that inspect_in_group() does with the packet.
bool can_group(const State& state, const Arrival& arrival);
/// As inspect(), for a packet that shares a transaction with others, so that State::cancel() takes all of
/// them back. For TCP it fills Decision::outputs too, as if the kernel had accepted the changes; there is no
/// conclude(). Precondition: can_group().
void inspect_in_group(State& state, const Arrival& arrival, Time now, Decision& decision);
/// Resets the connections whose sequence numbers are translated, because nothing translates them after a stop
/// (T4).
void end_connections(State& state, Time now, Decision& decision);
/// Handles the deadlines that have passed: closes and renews. Call it at State::next_deadline().
void expire(State& state, Time now, Decision& decision);
/// Selects calls by key; each leg has its own.
using CallChoice = std::function<bool(const CallKey&)>;
/// Closes the chosen calls at the owner's request. At most 64 at once, so that one transaction stays small:
/// call again until it returns 0. Returns the number of closed calls.
std::size_t close_calls(State& state, const CallChoice& chosen, Time now, Decision& decision);
/// Opens pinholes for the sources that latches let in (C5).
void note_latched(State& state, std::span<const LatchedSource> sources, Time now, Decision& decision);

}  // namespace sipalg
