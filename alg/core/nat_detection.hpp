// What a message from outside shows of who minds NAT (S2).
#pragma once

#include "alg/core/inspect_message.hpp"

namespace sipalg {

/// The message in `state.message` shows that its sender knows the phone by its inside address and finds it
/// all the same: it keeps private contacts and answers to where packets came from. Only what no message of
/// ours can have told counts, and only from whom is let in.
bool peer_handles_nat(const State& state, const Envelope& envelope);

/// The message names the phone's public endpoint as a message of ours has told it.
bool names_what_was_told(const State& state, const Envelope& envelope);

}  // namespace sipalg
