// Phones that are reachable from the start (N3).
#pragma once

#include <span>

#include "alg/core/state.hpp"

namespace sipalg {

/// A phone's endpoint that is to be reachable before it has sent anything (N3), and its public side.
struct StaticPhone {
    Socket inside;
    Egress egress;
};

/// Maps the endpoints to the same port outside for the next minutes; call it every minute. An endpoint that
/// cannot have its port is an event each time.
void map_static_phones(State& state, std::span<const StaticPhone> wanted, Time now, Decision& decision);

}  // namespace sipalg
