// Records traffic that the ALG only reports: TLS on TLS ports, and SIP on ports that are not configured.
#pragma once

#include <vector>

#include "alg/base/time.hpp"
#include "alg/core/door.hpp"
#include "alg/net/packet.hpp"
#include "alg/policy/event.hpp"
#include "alg/policy/policy.hpp"

namespace sipalg {

/// Records a UDP or TCP packet that the kernel has selected by its first bytes. Only changes State::flows;
/// the packet always passes. Adds an event to `events` for each port on which SIP is found, up to a limit.
/// Encrypted signalling is listed and never changed (N4).
void watch(State& state, Bytes packet, Side from, Time now, std::vector<Event>& events);

}  // namespace sipalg
