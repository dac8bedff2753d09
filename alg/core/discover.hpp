// What is seen of traffic that the ALG leaves alone: TLS on its ports, and SIP on ports that are not
// configured.
#pragma once

#include <vector>

#include "alg/base/time.hpp"
#include "alg/core/door.hpp"
#include "alg/net/packet.hpp"
#include "alg/policy/event.hpp"
#include "alg/policy/policy.hpp"

namespace sipalg {

/// Records a packet that the kernel has picked out by its first bytes, UDP or TCP. It changes nothing but
/// State::flows(); the packet passes whatever is found. `events`: to be logged, one for each port at which
/// SIP is found, up to a bound.
/// Encrypted signalling is listed and never changed (N4).
void watch(State& state, Bytes packet, Side from, Time now, std::vector<Event>& events);

}  // namespace sipalg
