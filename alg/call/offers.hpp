// Offers and answers of a dialog (C2; RFC 3264, RFC 3261 13.2.1, RFC 3262 5, RFC 3311, RFC
// 6141).
#pragma once

#include "alg/call/call.hpp"
#include "alg/call/follow.hpp"

namespace sipalg::call {

/// Puts offer and answer in force in the dialog.
void agree(Dialog& dialog, const Offer& offer, const Session& answer);
/// Whether the message is one that carries the answer to `offer`.
bool can_answer(const sip::Message& message, const Offer& offer);
/// Takes the message as an answer to the other side's offer. False: it is not one.
bool answer_offer(Dialog& dialog, const DescribedMessage& received);
/// Takes the message's description, if it has one, as an offer.
void make_offer(Dialog& dialog, const DescribedMessage& received);
/// The request was refused, or accepted without an answer: drops its offer, and one that came in a response
/// to it (C4).
void drop_offer(Dialog& dialog, const DescribedMessage& received);

}  // namespace sipalg::call
