// What a message from outside proves about the NAT handling of its sender (S2).
#pragma once

#include "alg/core/inspect_message.hpp"

namespace sipalg {

enum class NatProof : std::uint8_t {
    none,
    handles,   ///< it knows the phone by its inside address and reaches it all the same
    does_not,  ///< it has kept the public contact that the REGISTER had, and no private one beside it
};
/// Of the message in `state.message`: a request that names the phone by its inside address, from a peer that
/// is let in; or the 2xx of a REGISTER that left rewritten, by the contacts that it lists.
NatProof nat_proof(const State& state, const Envelope& envelope, Time now);

/// The message names the phone's public endpoint as an earlier rewritten message did.
bool names_what_was_told(const State& state, const Envelope& envelope);

}  // namespace sipalg
