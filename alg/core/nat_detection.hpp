// Detects from a message from outside whether its sender handles NAT (S2).
#pragma once

#include "alg/core/inspect_message.hpp"

namespace sipalg {

enum class NatProof : std::uint8_t {
    none,
    handles,   ///< it uses the phone's inside address, and its messages reach the phone
    does_not,  ///< it has stored the public contact of the REGISTER, and no private one beside it
};
/// The proof in `state.message`: a request for the phone's inside address from a peer that is let in, or the
/// contacts in the 2xx of a REGISTER that was rewritten.
NatProof nat_proof(const State& state, const Envelope& envelope, Time now);

/// Whether a pinhole lets the sender in at the phone's endpoint.
bool is_let_in(const State& state, const Envelope& envelope);

/// Whether the message names the phone's public endpoint, as an earlier rewritten message did.
bool names_shown_endpoint(const State& state, const Envelope& envelope);

}  // namespace sipalg
