// Adds to events the reason why messages are not changed.
#pragma once

#include <span>

#include "alg/core/state.hpp"
#include "alg/policy/event.hpp"

namespace sipalg::daemon {

/// Completes the details of calls and registrations that have begun, whose messages are not changed (S2): "…;
/// messages are not changed: the peer handles NAT itself". Call after State::commit().
void add_reasons(const State& state, std::span<Event> events);

}  // namespace sipalg::daemon
