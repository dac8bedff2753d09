// Phones that are reachable from the start (N3).
#pragma once

#include <span>

#include "alg/core/state.hpp"

namespace sipalg {

/// An endpoint of a phone that must be reachable before the phone has sent anything (N3), and its egress.
struct StaticPhone {
    Socket inside;
    Egress egress;
};

/// Maps the endpoints to the same public port for a few minutes; call it every minute. Adds an event for each
/// endpoint whose port is taken.
void map_static_phones(State& state, std::span<const StaticPhone> wanted, Time now, Decision& decision);

}  // namespace sipalg
