// How a message changes a call: dialogs, offers and answers (RFC 3261, 3262, 3264, 3311, 6141).
#pragma once

#include <optional>

#include "alg/call/call.hpp"
#include "alg/dialog/received_message.hpp"

namespace sipalg::call {

/// A message that may describe a session.
struct DescribedMessage : ReceivedMessage {
    std::optional<Session> session;  ///< from the message's description, with the sender's endpoints
};

/// The effect of a message on its call. `noted`: pinholes stay the same, but the record changes.
enum class Outcome : std::uint8_t { none, noted, changed, answered, ended };

/// Applies a message to its call. Retransmissions and messages of hosts outside the dialog (X4) change
/// nothing. Afterwards the call may have one peer more than max_peers.
Outcome follow(Call& call, const DescribedMessage& received);

}  // namespace sipalg::call
