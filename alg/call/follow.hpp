// How a message changes a call: dialogs, offers and answers (RFC 3261, 3262, 3264, 3311, 6141).
#pragma once

#include <optional>

#include "alg/call/call.hpp"
#include "alg/sip/message.hpp"

namespace sipalg::call {

/// A message with what inspection already knows of it.
struct Heard {
    const sip::Message& message;
    Side from = Side::inside;
    Address phone;   ///< inside
    Address peer;    ///< outside
    Socket contact;  ///< the phone's signalling endpoint: its Contact, else where it sends from or gets
    Egress egress;
    bool untouched = false;          ///< the message is not rewritten, nor will be a call that it begins
    std::optional<Session> session;  ///< of the message's description, in the sender's endpoints
    Time now{0};

    /// Tags as the phone sees them, whichever side speaks (X4).
    std::string_view local_tag() const;
    std::string_view remote_tag() const;
    /// Of the topmost Via, cut at max_branch; empty: none.
    std::string_view branch() const;
    /// The side whose request this is, or is answered here.
    Side requester() const;
};

/// What following a message meant for the call as a whole. `noted`: what is open stays,
/// but it has to be remembered.
enum class Outcome : std::uint8_t { none, noted, changed, answered, ended };

/// Applies a message to its call. Retransmissions and messages of strangers to the dialog change nothing.
Outcome follow(Call& call, const Heard& heard);

}  // namespace sipalg::call
