#include "alg/call/offers.hpp"

#include <utility>

#include "alg/policy/timing.hpp"

// Theory of operation. A call has dialogs; each has at most one pending offer. Whether a description is an
// offer or an answer depends on the message that carries it, not on its content: INVITE, UPDATE offer
// response to INVITE answer if the INVITE had an offer, else offer (late offer) ACK answer to the late offer
// of the 2xx PRACK answer to the late offer of a reliable 18x, else offer 2xx to UPDATE or PRACK answer The
// first INVITE's offer belongs to the call, because each fork answers it (C3). An agreement stays in force
// until an answer replaces it; a refused offer changes nothing (C4).

namespace sipalg::call {

void agree(Dialog& dialog, const Offer& offer, const SharedSession& answer) {
    (offer.by == Side::inside ? dialog.local : dialog.remote) = offer.session;
    (offer.by == Side::inside ? dialog.remote : dialog.local) = with_answer_setup(answer, *offer.session);
}

// A response answers the request of its own transaction, an ACK the 2xx of its INVITE, a PRACK the reliable
// response to one.
bool can_answer(const sip::Message& message, const Offer& offer) {
    const bool same_number = offer.cseq == message.cseq().number;
    switch (message.is_request() ? message.method() : sip::Method::unknown) {
        case sip::Method::ack: return offer.late && same_number;
        case sip::Method::prack: return offer.late;
        default: return !offer.late && offer.method == message.method() && same_number;
    }
}

// An offer of this side that crossed the other one can only be refused from now on (glare).
bool answer_offer(Dialog& dialog, const DescribedMessage& received) {
    const Boxed<Offer>& offer = dialog.offers[opposite(received.from)];
    if (!received.session || !offer || !can_answer(received.message, *offer)) return false;
    agree(dialog, *offer, received.session);
    if (Boxed<Invite>& invite = dialog.invites[received.from]; offer->late && invite) invite->answered = true;
    for (Boxed<Offer>& settled : dialog.offers)
        settled.reset();
    dialog.renegotiated = true;
    return true;
}

void make_offer(Dialog& dialog, const DescribedMessage& received) {
    if (!received.session) return;
    const sip::Message& message = received.message;
    const SharedSession& agreed = received.from == Side::inside ? dialog.local : dialog.remote;
    Offer made{received.from, message.method(), message.cseq().number,
               with_offer_setup(received.session, agreed.get()), !message.is_request()};
    // Only an INVITE may take longer (Timer C); the ACK to a 2xx arrives within a transaction's time.
    const bool rings = message.method() == sip::Method::invite && message.status() < 200;
    made.until = received.now + (rings ? ringing_time : transaction_time);
    Boxed<Offer>& offer = dialog.offers[received.from];
    const Time until = offer ? std::exchange(offer->until, made.until) : made.until;
    if (offer && *offer == made)
        offer->until = until;  // a retransmission does not extend it
    else
        offer = std::move(made);
}

void drop_offer(Dialog& dialog, const DescribedMessage& received) {
    Boxed<Offer>& offer = dialog.offers[received.requester()];
    if (offer && can_answer(received.message, *offer)) offer.reset();
    Boxed<Offer>& late = dialog.offers[received.from];
    if (late && late->late && late->method == received.message.method() &&
        late->cseq == received.message.cseq().number)
        late.reset();
}

}  // namespace sipalg::call
