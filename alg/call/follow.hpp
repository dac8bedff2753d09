// How a message changes a call: dialogs, offers and answers (RFC 3261, 3262, 3264, 3311, 6141).
#pragma once

#include "alg/call/call.hpp"
#include "alg/dialog/received_message.hpp"

namespace sipalg::call {

/// A message that may describe a session.
struct DescribedMessage : ReceivedMessage {
    SharedSession session;  ///< from the message's description, with the sender's endpoints
};

/// The effect of a message on its call, from none to most.
enum class Outcome : std::uint8_t {
    none,
    scheduled,  ///< only deadlines change: neither pinholes nor the record
    rings,      ///< a provisional response only shows that a phone rings, which the next response shows again
    noted,      ///< pinholes stay the same, but the record changes
    changed,
    answered,
    ended
};
/// Whether the pinholes stay the same.
inline bool is_quiet(Outcome outcome) {
    return outcome <= Outcome::noted;
}

/// Whether follow() would change nothing: an ACK without a description.
bool is_bare_ack(const DescribedMessage& received);

/// Applies a message to its call. Retransmissions and messages of hosts outside the dialog (X4) change
/// nothing. Afterwards the call may have one peer more than max_peers.
Outcome follow(Call& call, const DescribedMessage& received);

}  // namespace sipalg::call
