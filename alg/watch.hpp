// What is seen of traffic that the ALG leaves alone: TLS on its ports, and SIP on ports that are not
// configured.
#pragma once

#include <vector>

#include "alg/inspect.hpp"
#include "alg/packet.hpp"
#include "alg/policy.hpp"
#include "alg/report.hpp"
#include "alg/time.hpp"

namespace sipalg {

/// Records a packet that the kernel has picked out by its first bytes, UDP or TCP. It changes nothing but
/// State::flows(); the packet passes whatever is found. `events`: to be logged, one for each port at which
/// SIP is found, up to a bound.
void watch(State& state, Bytes packet, Side from, Time now, std::vector<Event>& events);

}  // namespace sipalg
