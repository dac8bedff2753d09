// Inspects one SIP message, over UDP or TCP.
#pragma once

#include "alg/base/time.hpp"
#include "alg/core/classify.hpp"
#include "alg/core/door.hpp"
#include "alg/core/state.hpp"
#include "alg/net/address.hpp"
#include "alg/policy/policy.hpp"

namespace sipalg {

/// The context of a message: its ends, its direction and its treatment.
struct Envelope {
    Transport transport = Transport::udp;
    Endpoint source, destination;
    Side from = Side::inside;
    Egress egress;
    bool answered = false;  ///< see Arrival
};

/// Decides about the message in `state.message`: follows its call or registration and plans its edits. Adds
/// to `decision`. Changes of `state` are staged until State::commit().
void inspect_message(State& state, const Envelope& envelope, Time now, Decision& decision);

}  // namespace sipalg
