// Offers and answers of a dialog (C2; RFC 3264, RFC 3261 13.2.1, RFC 3262 5, RFC 3311, RFC
// 6141).
#pragma once

#include "alg/call/call.hpp"
#include "alg/call/follow.hpp"

namespace sipalg::call {

/// Makes offer and answer the agreement of the dialog.
void agree(Dialog& dialog, const Offer& offer, const SharedSession& answer);
/// Whether the message can carry the answer to `offer`.
bool can_answer(const sip::Message& message, const Offer& offer);
/// Handles the message as an answer to the other side's offer. False: it is not an answer.
bool answer_offer(Dialog& dialog, const DescribedMessage& received);
/// Handles the message's description, if it has one, as an offer.
void make_offer(Dialog& dialog, const DescribedMessage& received);
/// Handles a request that was refused, or accepted without an answer: drops its offer, and an offer in a
/// response to it (C4).
void drop_offer(Dialog& dialog, const DescribedMessage& received);

}  // namespace sipalg::call
