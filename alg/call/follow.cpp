#include "alg/call/follow.hpp"

#include <utility>

#include "alg/call/constants.hpp"

// Theory of operation. A call has dialogs; each has at most one offer under way. A description is an offer or
// an answer by where it stands, not by what is in it:
//   INVITE, UPDATE                  offer
//   response to INVITE              answer if the INVITE had an offer, else offer (late offer)
//   ACK                             answer to the late offer of the 2xx
//   PRACK                           answer to the late offer of a reliable 18x, else offer
//   2xx to UPDATE or PRACK          answer
// The first INVITE's offer belongs to the call, because every fork answers it anew (C3). What was agreed
// stays in force until an answer replaces it; a refused offer leaves no trace (C4).

namespace sipalg::call {

namespace {

Side other(Side side) {
    return side == Side::inside ? Side::outside : Side::inside;
}

std::string_view requester_tag(const Heard& heard) {
    return heard.message.from_tag();
}

void agree(Dialog& dialog, const Offer& offer, const Session& answer) {
    (offer.by == Side::inside ? dialog.local : dialog.remote) = offer.session;
    (offer.by == Side::inside ? dialog.remote : dialog.local) = answer;
}

// An answer to whatever offer of the other side is under way in the dialog.
void answer_offer(Dialog& dialog, const Heard& heard) {
    if (!heard.session || !dialog.offer || dialog.offer->by == heard.from) return;
    agree(dialog, *dialog.offer, *heard.session);
    dialog.offer.reset();
}

void make_offer(Dialog& dialog, const Heard& heard) {
    if (heard.session)
        dialog.offer = Offer{heard.from, heard.message.method(), heard.message.cseq().number, *heard.session};
}

void refuse_offer(Dialog& dialog, const Heard& heard) {
    if (dialog.offer && dialog.offer->method == heard.message.method() &&
        dialog.offer->cseq == heard.message.cseq().number)
        dialog.offer.reset();
}

Dialog* find_or_make(Call& call, const Heard& heard) {
    if (Dialog* known = call.dialog(heard.local_tag(), heard.remote_tag())) return known;
    if (call.dialogs.size() >= max_dialogs) return nullptr;
    Dialog dialog;
    dialog.local_tag = heard.local_tag();
    dialog.remote_tag = heard.remote_tag();
    call.dialogs.push_back(std::move(dialog));
    return &call.dialogs.back();
}

Outcome on_invite(Call& call, const Heard& heard) {
    const sip::Message& message = heard.message;
    const bool initial = message.to_tag().empty();
    Invite& invite = call.invite(heard.from);
    if (invite.seen && message.cseq().number <= invite.cseq) return Outcome::none;  // retransmission
    if (initial && (call.confirmed() || requester_tag(heard) != call.caller_tag)) return Outcome::none;
    Dialog* dialog = initial ? nullptr : call.dialog(heard.local_tag(), heard.remote_tag());
    if (!initial && (!dialog || dialog->state == Dialog::State::ended)) return Outcome::none;
    invite = {message.cseq().number, true, heard.session.has_value(), true};
    call.active = heard.now;
    if (dialog) {
        make_offer(*dialog, heard);
        return Outcome::changed;
    }
    // The first INVITE, or the same again with credentials after 401, 407, 422 or a redirection.
    call.dialogs.clear();
    call.initial.reset();
    if (heard.session)
        call.initial = Offer{heard.from, sip::Method::invite, message.cseq().number, *heard.session};
    call.state = Call::State::offered;
    call.ringing_until = heard.now + ringing_time;
    return Outcome::changed;
}

void take_description(Call& call, Dialog& dialog, const Invite& invite, const Heard& heard) {
    if (!heard.session) return;
    if (!invite.offered) {
        // Late offer: the first description of these responses; its repetitions are the same offer.
        if (!dialog.offer && (!dialog.local || !dialog.remote || dialog.state == Dialog::State::confirmed))
            make_offer(dialog, heard);
        return;
    }
    if (dialog.offer && dialog.offer->by != heard.from)
        answer_offer(dialog, heard);
    else if (call.initial && call.initial->by != heard.from &&
             call.initial->cseq == heard.message.cseq().number && dialog.state == Dialog::State::early)
        agree(dialog, *call.initial, *heard.session);
}

Outcome on_invite_response(Call& call, const Heard& heard) {
    const sip::Message& message = heard.message;
    Invite& invite = call.invite(heard.requester());
    if (!invite.seen || invite.cseq != message.cseq().number || message.status() == 100) return Outcome::none;
    if (message.status() >= 300) {
        if (!invite.open) return Outcome::none;
        invite.open = false;
        if (call.confirmed()) {
            if (Dialog* dialog = call.dialog(heard.local_tag(), heard.remote_tag()))
                refuse_offer(*dialog, heard);
            return Outcome::changed;
        }
        return Outcome::ended;
    }
    // A provisional response that comes after the final one has nothing new to say, unless another fork says
    // it.
    const bool final = message.status() >= 200;
    if (!final && !invite.open) return Outcome::none;
    Dialog* dialog = find_or_make(call, heard);
    if (!dialog || dialog->state == Dialog::State::ended) return Outcome::none;
    if (!final) {
        if (dialog->state == Dialog::State::early) take_description(call, *dialog, invite, heard);
        if (call.state == Call::State::offered) call.state = Call::State::early;
        if (!call.confirmed()) call.ringing_until = heard.now + ringing_time;
        return Outcome::changed;
    }
    // A 2xx that repeats itself must not bring an offer back that its ACK has answered.
    if (dialog->state == Dialog::State::confirmed && !invite.open) return Outcome::none;
    take_description(call, *dialog, invite, heard);
    const bool first = !call.confirmed();
    dialog->state = Dialog::State::confirmed;
    invite.open = false;
    call.active = heard.now;
    if (!first) return Outcome::changed;
    call.state = Call::State::confirmed;
    call.forks_until = heard.now + transaction_time;
    return Outcome::answered;
}

Outcome on_bye_response(Call& call, const Heard& heard) {
    const sip::Message& message = heard.message;
    Dialog* dialog = call.dialog(heard.local_tag(), heard.remote_tag());
    if (!dialog) return Outcome::none;
    const bool asked = dialog->bye_by == heard.requester() && dialog->bye_cseq == message.cseq().number;
    if (!asked && !(call.restored && !dialog->bye_by)) return Outcome::none;
    const int status = message.status();
    if ((status >= 200 && status < 300) || status == 481 || status == 408) {
        dialog->state = Dialog::State::ended;
        dialog->bye_by.reset();
        return call.alive() || call.invite(call.caller).open ? Outcome::changed : Outcome::ended;
    }
    if (status != 401 && status != 407) return Outcome::none;
    dialog->bye_by.reset();  // challenged: the call goes on until it is sent again
    return Outcome::changed;
}

Outcome on_request_in_dialog(Call& call, const Heard& heard) {
    const sip::Message& message = heard.message;
    Dialog* dialog = call.dialog(heard.local_tag(), heard.remote_tag());
    if (!dialog || dialog->state == Dialog::State::ended) return Outcome::none;
    switch (message.method()) {
        case sip::Method::bye:
            if (dialog->bye_by) return Outcome::none;
            dialog->bye_by = heard.from;
            dialog->bye_cseq = message.cseq().number;
            dialog->bye_until = heard.now + transaction_time;
            return Outcome::changed;
        case sip::Method::ack:
            if (!heard.session) return Outcome::none;
            answer_offer(*dialog, heard);
            break;
        case sip::Method::update:
            call.active = heard.now;
            if (!dialog->offer) make_offer(*dialog, heard);
            break;
        case sip::Method::prack:
            if (dialog->offer)
                answer_offer(*dialog, heard);
            else
                make_offer(*dialog, heard);
            break;
        default: return Outcome::none;
    }
    return Outcome::changed;
}

Outcome on_other_response(Call& call, const Heard& heard) {
    Dialog* dialog = call.dialog(heard.local_tag(), heard.remote_tag());
    const int status = heard.message.status();
    if (!dialog || status < 200) return Outcome::none;
    if (status < 300)
        answer_offer(*dialog, heard);
    else
        refuse_offer(*dialog, heard);
    return Outcome::changed;
}

}  // namespace

Side Heard::requester() const {
    return message.is_request() ? from : other(from);
}

std::string_view Heard::local_tag() const {
    return requester() == Side::inside ? message.from_tag() : message.to_tag();
}

std::string_view Heard::remote_tag() const {
    return requester() == Side::inside ? message.to_tag() : message.from_tag();
}

Outcome follow(Call& call, const Heard& heard) {
    if (heard.from == Side::outside && !call.has_peer(heard.peer)) return Outcome::none;  // X4
    const sip::Method method = heard.message.method();
    if (heard.message.is_request()) {
        if (heard.from == Side::inside && !call.has_peer(heard.peer) && call.peers.size() < max_peers)
            call.peers.push_back(heard.peer);
        return method == sip::Method::invite ? on_invite(call, heard) : on_request_in_dialog(call, heard);
    }
    if (call.state == Call::State::closing) return Outcome::none;
    switch (method) {
        case sip::Method::invite: return on_invite_response(call, heard);
        case sip::Method::bye: return on_bye_response(call, heard);
        case sip::Method::update:
        case sip::Method::prack: return on_other_response(call, heard);
        default: return Outcome::none;
    }
}

}  // namespace sipalg::call
