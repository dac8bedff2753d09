// One SIP message on its way through the router, whatever carried it.
#pragma once

#include "alg/base/time.hpp"
#include "alg/core/classify.hpp"
#include "alg/core/door.hpp"
#include "alg/core/state.hpp"
#include "alg/net/address.hpp"
#include "alg/policy/policy.hpp"

namespace sipalg {

/// What is known of a message besides its bytes.
struct Envelope {
    Transport transport = Transport::udp;
    Endpoint source, destination;
    Side from = Side::inside;
    Egress egress;
    bool scanned = false;  ///< see Arrival
};

/// Decides over the message that was parsed into `state.message`: follows it and writes it for the other
/// side. Adds to `decision`; what it stages in `state` awaits State::commit().
void inspect_message(State& state, const Envelope& envelope, Time now, Decision& decision);

/// Whether a single host that is not the router can have that address (X2).
bool is_some_host(const Address& address, const State& state);

}  // namespace sipalg
