#include "alg/call/follow.hpp"

#include <algorithm>
#include <utility>

#include "alg/call/offers.hpp"
#include "alg/policy/timing.hpp"
#include "alg/sip/delta_seconds.hpp"

namespace sipalg::call {

namespace {

std::string_view requester_tag(const DescribedMessage& received) {
    return received.message.from_tag();
}

// A 2xx to INVITE or UPDATE restarts the session timer; without Session-Expires there is none (RFC 4028 7.2).
void refresh_session(Dialog& dialog, const DescribedMessage& received) {
    const auto interval = sip::delta_seconds(received.message, sip::HeaderId::session_expires);
    dialog.session_until =
        interval ? received.now + std::max(Time{Seconds{*interval}}, shortest_session) + session_grace
                 : Time{0};
}

// C3: responses to the first INVITE make dialogs, each with its own tag of the answering side.
Dialog* find_or_make(Call& call, const DescribedMessage& received) {
    if (Dialog* known = call.dialog(received.local_tag(), received.remote_tag())) return known;
    if (received.requester() != call.caller || requester_tag(received) != call.caller_tag) return nullptr;
    if (call.dialogs.size() >= max_dialogs) return nullptr;
    Dialog dialog;
    // P5: the call and its dialogs share the tag of the caller.
    const bool by_phone = call.caller == Side::inside;
    dialog.local_tag = by_phone ? call.caller_tag : SharedText(received.local_tag());
    dialog.remote_tag = by_phone ? SharedText(received.remote_tag()) : call.caller_tag;
    call.dialogs.push_back(std::move(dialog));
    return &call.dialogs.back();
}

// Begins the call, or begins it again: with credentials after 401 or 407, after a redirection, or for the
// next phone of a ring group.
void begin(Call& call, Invite& invite, const DescribedMessage& received) {
    const sip::Message& message = received.message;
    invite = {message.cseq().number, bool(received.session), {{received.branch(), true}}};
    call.active = received.now;
    call.dialogs.clear();
    call.initial.reset();
    if (received.session) {
        call.initial = Offer{received.from, sip::Method::invite, message.cseq().number,
                             with_offer_setup(received.session, nullptr)};
    }
    call.state = Call::State::offered;
    call.ringing_until = received.now + ringing_time;
    call.forks_until = Time{0};
}

Outcome on_first_invite(Call& call, Invite& invite, const DescribedMessage& received) {
    if (!call.is_begun_by(received.from, requester_tag(received)) || call.state == Call::State::confirmed)
        return Outcome::none;
    const bool again = !invite.transactions.empty() && invite.cseq == received.message.cseq().number;
    if (again)
        invite.transactions.push_back({received.branch(), true});
    else
        begin(call, invite, received);
    // The peer of the latest INVITE is the one that may send early media.
    CallPeer* peer = call.peer(received.peer);
    if (!peer) peer = &call.peers.emplace_back(CallPeer{received.peer});
    std::rotate(call.peers.data(), peer, peer + 1);
    return Outcome::changed;
}

Outcome on_invite(Call& call, const DescribedMessage& received) {
    const sip::Message& message = received.message;
    const bool initial = message.to_tag().empty();
    Dialog* dialog = initial ? nullptr : call.dialog(received.local_tag(), received.remote_tag());
    if (!initial && (!dialog || dialog->state == Dialog::State::ended)) return Outcome::none;
    const Invite* known = dialog ? dialog->invites[received.from].get() : &call.invite;
    if (known && !known->transactions.empty()) {
        if (message.cseq().number < known->cseq) return Outcome::none;
        const bool retransmission =
            message.cseq().number == known->cseq && (!initial || known->transaction(received.branch()) ||
                                                     known->transactions.size() >= max_transactions);
        if (retransmission) return Outcome::none;
    }
    if (!dialog) return on_first_invite(call, call.invite, received);
    dialog->invites[received.from].emplace() = {
        message.cseq().number, bool(received.session), {{received.branch(), true}}};
    call.active = received.now;
    make_offer(*dialog, received);
    return Outcome::changed;
}

void take_description(Call& call, Dialog& dialog, const Invite& invite, const DescribedMessage& received) {
    if (!received.session) return;
    if (!invite.offered) {
        // A late offer. Its repetition after the PRACK that answered it is not a new one.
        const bool repeated = dialog.state == Dialog::State::early ? dialog.renegotiated : invite.answered;
        if (!repeated) make_offer(dialog, received);
        return;
    }
    if (answer_offer(dialog, received)) return;
    if (call.initial && call.initial->by != received.from && can_answer(received.message, *call.initial) &&
        dialog.state == Dialog::State::early && !dialog.renegotiated)
        agree(dialog, *call.initial, received.session);
}

// The INVITE that a response belongs to: a re-INVITE of its dialog, or the one that began the call.
Invite& answered_invite(Call& call, const DescribedMessage& received) {
    Dialog* dialog = call.dialog(received.local_tag(), received.remote_tag());
    Invite* again = dialog ? dialog->invites[received.requester()].get() : nullptr;
    return again && again->transaction(received.branch()) ? *again : call.invite;
}

// C6: a cancelled INVITE has its final response within 64*T1, or counts as ended (RFC 3261 9.1).
void give_up(Call& call, const Invite& invite, Dialog* dialog, const DescribedMessage& received) {
    if (invite.rings()) return;
    const Time until = received.now + transaction_time;
    if (&invite == &call.invite) {
        if (call.state != Call::State::confirmed) call.ringing_until = std::min(call.ringing_until, until);
    } else if (dialog) {
        Boxed<Offer>& offer = dialog->offers[received.requester()];
        if (offer && offer->method == sip::Method::invite && offer->cseq == invite.cseq)
            offer->until = std::min(offer->until, until);
    }
}

Outcome on_refusal(Call& call, Invite& invite, Transaction& transaction, const DescribedMessage& received) {
    if (!transaction.open) return Outcome::none;
    transaction.open = false;
    Dialog* dialog = call.dialog(received.local_tag(), received.remote_tag());
    if (call.state == Call::State::confirmed) {
        if (dialog) drop_offer(*dialog, received);
        return Outcome::changed;
    }
    if (!invite.open()) return Outcome::ended;
    give_up(call, invite, dialog, received);
    if (dialog) dialog->state = Dialog::State::ended;
    return Outcome::changed;
}

// A 2xx to CANCEL, which has the branch and the number of its INVITE. It may have another To tag than the
// INVITE's responses, and more of them may follow (RFC 3261 9.2).
Outcome on_cancel_response(Call& call, const DescribedMessage& received) {
    const sip::Message& message = received.message;
    if (message.status() < 200 || message.status() >= 300) return Outcome::none;
    const auto cancel = [&](Invite& invite, Dialog* dialog) {
        Transaction* transaction =
            invite.cseq == message.cseq().number ? invite.transaction(received.branch()) : nullptr;
        if (!transaction || !transaction->open || transaction->cancelled) return false;
        transaction->cancelled = true;
        give_up(call, invite, dialog, received);
        return true;
    };
    if (received.requester() == call.caller && requester_tag(received) == call.caller_tag &&
        cancel(call.invite, nullptr))
        return Outcome::noted;
    for (Dialog& dialog : call.dialogs) {
        const std::string_view tag =
            received.requester() == Side::inside ? dialog.local_tag : dialog.remote_tag;
        Invite* again = dialog.invites[received.requester()].get();
        if (tag == requester_tag(received) && again && cancel(*again, &dialog)) return Outcome::noted;
    }
    return Outcome::none;
}

// The time moves in steps, so that the first responses do not change it: the record of the call has it
// already.
bool prolong_ringing(Call& call, Time now) {
    if (now + ringing_time - call.ringing_until < ringing_step) return false;
    call.ringing_until = now + ringing_time;
    return true;
}

// The dialog has nothing that the next response of its fork does not bring again. A reliable response is not
// repeated after its PRACK, and a response of the phone opens its endpoint (X3).
bool only_rings(const Dialog& dialog, const DescribedMessage& received) {
    return received.from == Side::outside && dialog.state == Dialog::State::early && !received.session &&
           !received.message.first(sip::HeaderId::rseq);
}

Outcome on_invite_response(Call& call, const DescribedMessage& received) {
    const sip::Message& message = received.message;
    Invite& invite = answered_invite(call, received);
    if (invite.cseq != message.cseq().number || message.status() == 100) return Outcome::none;
    Transaction* transaction = invite.transaction(received.branch());
    if (!transaction) return Outcome::none;
    if (message.status() >= 300) return on_refusal(call, invite, *transaction, received);
    // A provisional response after the final one changes nothing.
    const bool final = message.status() >= 200;
    if (!final && !transaction->open) return Outcome::none;
    const bool ends_early = message.status() == 199;  // ends only this dialog (RFC 6228) and makes none
    Dialog* dialog =
        ends_early ? call.dialog(received.local_tag(), received.remote_tag()) : find_or_make(call, received);
    if (!dialog || dialog->state == Dialog::State::ended) return Outcome::none;
    if (!final) {
        if (ends_early && dialog->state == Dialog::State::early) dialog->state = Dialog::State::ended;
        // In a confirmed dialog only a reliable one can answer (RFC 6141 3.1).
        else if (dialog->state == Dialog::State::early || message.first(sip::HeaderId::rseq))
            take_description(call, *dialog, invite, received);
        if (call.state == Call::State::offered) call.state = Call::State::early;
        if (!invite.rings()) return Outcome::changed;
        // The other side needs more time (Timer C).
        if (auto& offer = dialog->offers[received.requester()]; offer && can_answer(message, *offer))
            offer->until = received.now + ringing_time;
        const bool prolonged = call.state == Call::State::early && prolong_ringing(call, received.now);
        return prolonged || !only_rings(*dialog, received) ? Outcome::changed : Outcome::rings;
    }
    // A repeated 2xx must not bring back an offer that its ACK has answered.
    if (dialog->state == Dialog::State::confirmed && !transaction->open) return Outcome::none;
    take_description(call, *dialog, invite, received);
    refresh_session(*dialog, received);
    dialog->state = Dialog::State::confirmed;
    transaction->open = false;
    call.active = received.now;
    if (call.state == Call::State::confirmed) return Outcome::changed;
    call.state = Call::State::confirmed;
    call.forks_until = received.now + transaction_time;
    return Outcome::answered;
}

Outcome on_bye_response(Call& call, const DescribedMessage& received) {
    const sip::Message& message = received.message;
    Dialog* dialog = call.dialog(received.local_tag(), received.remote_tag());
    if (!dialog) return Outcome::none;
    Boxed<Bye>& bye = dialog->byes[received.requester()];
    std::int64_t& latest = dialog->cseqs[received.requester()];
    const std::uint32_t number = message.cseq().number;
    // Its BYE may have passed while no daemon ran (A5), or in a transaction that the kernel refused.
    const bool unseen = !bye && number > latest;
    if (!unseen && (!bye || bye->cseq != number)) return Outcome::none;
    const int status = message.status();
    if ((status >= 200 && status < 300) || status == 481 || status == 408) {
        dialog->state = Dialog::State::ended;
        const bool ringing = call.state != Call::State::confirmed && call.invite.open();
        return call.alive() || ringing ? Outcome::changed : Outcome::ended;
    }
    if (status != 401 && status != 407) return Outcome::none;
    latest = std::max<std::int64_t>(latest, number);
    bye.reset();  // C6: the BYE was challenged, so the call continues until it is repeated
    return Outcome::noted;
}

Outcome on_request_in_dialog(Call& call, const DescribedMessage& received) {
    const sip::Message& message = received.message;
    Dialog* dialog = call.dialog(received.local_tag(), received.remote_tag());
    if (!dialog || dialog->state == Dialog::State::ended) return Outcome::none;
    if (message.method() == sip::Method::ack)  // has the number of its INVITE
        return answer_offer(*dialog, received) ? Outcome::changed : Outcome::none;
    const std::uint32_t number = message.cseq().number;
    if (number <= dialog->latest_cseq(received.from)) return Outcome::none;  // retransmission
    if (message.method() == sip::Method::bye) {
        dialog->byes[received.from] = Bye{number, received.now + transaction_time};
        return Outcome::scheduled;  // a BYE is not in the record
    }
    dialog->cseqs[received.from] = number;
    switch (message.method()) {
        case sip::Method::update:
            call.active = received.now;
            make_offer(*dialog, received);
            return Outcome::changed;
        case sip::Method::prack:
            if (!answer_offer(*dialog, received)) make_offer(*dialog, received);
            return Outcome::changed;
        default: return Outcome::none;
    }
}

Outcome on_other_response(Call& call, const DescribedMessage& received) {
    Dialog* dialog = call.dialog(received.local_tag(), received.remote_tag());
    const int status = received.message.status();
    if (!dialog || status < 200) return Outcome::none;
    if (status >= 300 || !answer_offer(*dialog, received)) drop_offer(*dialog, received);
    if (status < 300 && received.message.method() == sip::Method::update) {
        // Only once: a later request may have refreshed the session since.
        std::int64_t& refreshed = dialog->refreshed[received.requester()];
        if (received.message.cseq().number > refreshed) refresh_session(*dialog, received);
        refreshed = std::max<std::int64_t>(refreshed, received.message.cseq().number);
    }
    return Outcome::changed;
}

// The message sets the remote target: where the peer's requests go from here on (RFC 3261 12.2).
bool is_target_refresh(const sip::Message& message) {
    const bool refreshes = message.method() == sip::Method::invite || message.method() == sip::Method::update;
    return refreshes && message.status() < 300 && message.first(sip::HeaderId::contact);
}

// Adds the address to which the phone sends requests, because the peer's requests come from there: the
// provider, or the far end if no proxy record-routes (RFC 3261 12.2.1.1). True: this peer is new.
bool note_peer(Call& call, const DescribedMessage& received) {
    if (received.from != Side::inside || !received.message.is_request()) return false;
    if (call.has_peer(received.peer) || call.peers.size() >= max_peers) return false;
    call.peers.push_back({received.peer});
    return true;
}

Outcome act(Call& call, const DescribedMessage& received) {
    const sip::Method method = received.message.method();
    if (received.message.is_request())
        return method == sip::Method::invite ? on_invite(call, received)
                                             : on_request_in_dialog(call, received);
    switch (method) {
        case sip::Method::invite: return on_invite_response(call, received);
        case sip::Method::bye: return on_bye_response(call, received);
        case sip::Method::cancel: return on_cancel_response(call, received);
        case sip::Method::update:
        case sip::Method::prack: return on_other_response(call, received);
        default: return Outcome::none;
    }
}

}  // namespace

bool is_bare_ack(const DescribedMessage& received) {
    return received.message.is_request() && received.message.method() == sip::Method::ack &&
           !received.session;
}

Outcome follow(Call& call, const DescribedMessage& received) {
    if (received.from == Side::outside && !call.has_peer(received.peer)) return Outcome::none;  // X4
    if (received.from == Side::inside && is_target_refresh(received.message)) call.contact = received.contact;
    const bool is_new_peer = note_peer(call, received);
    const Outcome outcome = act(call, received);
    return is_new_peer && is_quiet(outcome) ? Outcome::changed : outcome;
}

}  // namespace sipalg::call
