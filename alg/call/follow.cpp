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

// A 2xx to INVITE or UPDATE begins the session's time anew, or says by its silence that there is no timer
// (RFC 4028 7.2).
void refresh_session(Dialog& dialog, const DescribedMessage& received) {
    const auto interval = sip::delta_seconds(received.message, sip::HeaderId::session_expires);
    dialog.session_until =
        interval ? received.now + std::max(Time{Seconds{*interval}}, shortest_session) + session_grace
                 : Time{0};
}

// Responses to the first INVITE make dialogs, each with its own tag of the side that answers.
Dialog* find_or_make(Call& call, const DescribedMessage& received) {
    if (Dialog* known = call.dialog(received.local_tag(), received.remote_tag())) return known;
    if (received.requester() != call.caller || requester_tag(received) != call.caller_tag) return nullptr;
    if (call.dialogs.size() >= max_dialogs) return nullptr;
    Dialog dialog;
    dialog.local_tag = received.local_tag();
    dialog.remote_tag = received.remote_tag();
    call.dialogs.push_back(std::move(dialog));
    return &call.dialogs.back();
}

// Begins the call, or begins it again: with credentials after 401 or 407, after a redirection, at the next
// line of a ring group.
void begin(Call& call, Invite& invite, const DescribedMessage& received) {
    const sip::Message& message = received.message;
    invite = {message.cseq().number, received.session.has_value(), {{std::string(received.branch()), true}}};
    call.active = received.now;
    call.dialogs.clear();
    call.initial.reset();
    if (received.session)
        call.initial = Offer{received.from, sip::Method::invite, message.cseq().number, *received.session};
    call.state = Call::State::offered;
    call.ringing_until = received.now + ringing_time;
    call.forks_until = Time{0};
}

// A call that has ended leaves its Call-ID to whoever begins one under it, with a tag of his own.
void make_way(Call& call, const DescribedMessage& received) {
    if (call.state != Call::State::closing || requester_tag(received) == call.caller_tag) return;
    call.caller_tag = requester_tag(received);
    call.forks_until = Time{0};
    call.invite = {};
}

Outcome on_first_invite(Call& call, Invite& invite, const DescribedMessage& received) {
    const bool closed = call.state == Call::State::closing;
    if (requester_tag(received) != call.caller_tag || (received.from != call.caller && !closed))
        return Outcome::none;
    const bool again = !invite.transactions.empty() && invite.cseq == received.message.cseq().number;
    // An answered call comes back under another CSeq only.
    if (call.state == Call::State::confirmed || (again && call.answered())) return Outcome::none;
    call.caller = received.from;
    if (!again || closed) {
        const std::vector<Transaction> before =
            again ? std::move(invite.transactions) : std::vector<Transaction>{};
        begin(call, invite, received);
        invite.transactions.insert(invite.transactions.end(), before.begin(), before.end());
    } else {
        invite.transactions.push_back({std::string(received.branch()), true});
    }
    // Who is asked now is who may send early media.
    std::erase(call.peers, received.peer);
    call.peers.insert(call.peers.begin(), received.peer);
    if (call.peers.size() > max_peers) call.peers.pop_back();
    return Outcome::changed;
}

Outcome on_invite(Call& call, const DescribedMessage& received) {
    const sip::Message& message = received.message;
    const bool initial = message.to_tag().empty();
    if (initial) make_way(call, received);
    Dialog* dialog = initial ? nullptr : call.dialog(received.local_tag(), received.remote_tag());
    if (!initial && (!dialog || dialog->state == Dialog::State::ended)) return Outcome::none;
    Invite& invite = dialog ? dialog->invite(received.from) : call.invite;
    if (!invite.transactions.empty()) {
        if (message.cseq().number < invite.cseq) return Outcome::none;
        const bool retransmission =
            message.cseq().number == invite.cseq && (!initial || invite.transaction(received.branch()) ||
                                                     invite.transactions.size() >= max_transactions);
        if (retransmission) return Outcome::none;
    }
    if (!dialog) return on_first_invite(call, invite, received);
    invite = {message.cseq().number, received.session.has_value(), {{std::string(received.branch()), true}}};
    call.active = received.now;
    make_offer(*dialog, received);
    return Outcome::changed;
}

void take_description(Call& call, Dialog& dialog, const Invite& invite, const DescribedMessage& received) {
    if (!received.session) return;
    if (!invite.offered) {
        // Late offer. Once answered by a PRACK, its repetition is nothing new.
        const bool repeated = dialog.state == Dialog::State::early ? dialog.renegotiated : invite.answered;
        if (!repeated) make_offer(dialog, received);
        return;
    }
    if (answer_offer(dialog, received)) return;
    if (call.initial && call.initial->by != received.from && can_answer(received.message, *call.initial) &&
        dialog.state == Dialog::State::early && !dialog.renegotiated)
        agree(dialog, *call.initial, *received.session);
}

// The one that a response belongs to: a re-INVITE of its dialog, or else the INVITE that began the call.
Invite& answered_invite(Call& call, const DescribedMessage& received) {
    Dialog* dialog = call.dialog(received.local_tag(), received.remote_tag());
    if (!dialog || !dialog->invite(received.requester()).transaction(received.branch())) return call.invite;
    return dialog->invite(received.requester());
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
    if (dialog) dialog->state = Dialog::State::ended;
    return Outcome::changed;
}

Outcome on_invite_response(Call& call, const DescribedMessage& received) {
    const sip::Message& message = received.message;
    Invite& invite = answered_invite(call, received);
    if (invite.cseq != message.cseq().number || message.status() == 100) return Outcome::none;
    Transaction* transaction = invite.transaction(received.branch());
    if (!transaction) return Outcome::none;
    if (message.status() >= 300) return on_refusal(call, invite, *transaction, received);
    // A provisional response that comes after the final one has nothing new to say.
    const bool final = message.status() >= 200;
    if (!final && !transaction->open) return Outcome::none;
    const bool ends_early = message.status() == 199;  // others go on (RFC 6228); it makes no dialog
    Dialog* dialog =
        ends_early ? call.dialog(received.local_tag(), received.remote_tag()) : find_or_make(call, received);
    if (!dialog || dialog->state == Dialog::State::ended) return Outcome::none;
    if (!final) {
        if (ends_early && dialog->state == Dialog::State::early) dialog->state = Dialog::State::ended;
        // In a dialog that is confirmed only a reliable one can answer (RFC 6141 3.1).
        else if (dialog->state == Dialog::State::early || message.first(sip::HeaderId::rseq))
            take_description(call, *dialog, invite, received);
        // The other side is still thinking (Timer C).
        if (auto& offer = dialog->offer(received.requester()); offer && can_answer(message, *offer))
            offer->until = received.now + ringing_time;
        if (call.state == Call::State::offered) call.state = Call::State::early;
        if (call.state == Call::State::early) call.ringing_until = received.now + ringing_time;
        return Outcome::changed;
    }
    // A 2xx that repeats itself must not bring an offer back that its ACK has answered.
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
    std::optional<Bye>& bye = dialog->bye(received.requester());
    std::int64_t& latest = dialog->cseqs[static_cast<std::size_t>(received.requester())];
    const std::uint32_t number = message.cseq().number;
    // Its BYE may have passed while nobody was there to see it (A5), or the kernel refused to note it.
    const bool unseen = !bye && number > latest;
    if (!unseen && (!bye || bye->cseq != number)) return Outcome::none;
    latest = std::max<std::int64_t>(latest, number);
    const int status = message.status();
    if ((status >= 200 && status < 300) || status == 481 || status == 408) {
        dialog->state = Dialog::State::ended;
        const bool ringing = call.state != Call::State::confirmed && call.invite.open();
        return call.alive() || ringing ? Outcome::changed : Outcome::ended;
    }
    if (status != 401 && status != 407) return Outcome::none;
    bye.reset();  // challenged: the call goes on until it is sent again
    return Outcome::noted;
}

Outcome on_request_in_dialog(Call& call, const DescribedMessage& received) {
    const sip::Message& message = received.message;
    Dialog* dialog = call.dialog(received.local_tag(), received.remote_tag());
    if (!dialog || dialog->state == Dialog::State::ended) return Outcome::none;
    if (message.method() == sip::Method::ack)  // has the number of its INVITE
        return answer_offer(*dialog, received) ? Outcome::changed : Outcome::none;
    std::int64_t& latest = dialog->cseqs[static_cast<std::size_t>(received.from)];
    const std::uint32_t number = message.cseq().number;
    if (number <= latest) return Outcome::none;  // retransmission
    latest = number;
    switch (message.method()) {
        case sip::Method::bye:
            dialog->bye(received.from) = Bye{number, received.now + transaction_time};
            return Outcome::noted;
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
        // Once: what has refreshed the session since may have said otherwise.
        std::int64_t& refreshed = dialog->refreshed[static_cast<std::size_t>(received.requester())];
        if (received.message.cseq().number > refreshed) refresh_session(*dialog, received);
        refreshed = std::max<std::int64_t>(refreshed, received.message.cseq().number);
    }
    return Outcome::changed;
}

// Where the peer's requests go from here on: the remote target (RFC 3261 12.2).
bool is_target_refresh(const sip::Message& message) {
    const bool refreshes = message.method() == sip::Method::invite || message.method() == sip::Method::update;
    return refreshes && message.status() < 300 && message.first(sip::HeaderId::contact);
}

}  // namespace

namespace {

// Where the phone sends requests of the call is where others come from: the provider, or the far end itself
// when no proxy stays in the way (RFC 3261 12.2.1.1). True: it is new.
bool meet_peer(Call& call, const DescribedMessage& received) {
    if (received.from != Side::inside || !received.message.is_request()) return false;
    if (call.has_peer(received.peer) || call.peers.size() >= max_peers) return false;
    call.peers.push_back(received.peer);
    return true;
}

Outcome act(Call& call, const DescribedMessage& received) {
    const sip::Method method = received.message.method();
    if (received.message.is_request())
        return method == sip::Method::invite ? on_invite(call, received)
                                             : on_request_in_dialog(call, received);
    if (call.state == Call::State::closing) return Outcome::none;
    switch (method) {
        case sip::Method::invite: return on_invite_response(call, received);
        case sip::Method::bye: return on_bye_response(call, received);
        case sip::Method::update:
        case sip::Method::prack: return on_other_response(call, received);
        default: return Outcome::none;
    }
}

}  // namespace

Outcome follow(Call& call, const DescribedMessage& received) {
    if (received.from == Side::outside && !call.has_peer(received.peer)) return Outcome::none;  // X4
    if (received.from == Side::inside && call.state != Call::State::closing &&
        is_target_refresh(received.message))
        call.contact = received.contact;
    const bool met = meet_peer(call, received);
    const Outcome outcome = act(call, received);
    const bool quiet = outcome == Outcome::none || outcome == Outcome::noted;
    return met && quiet && call.state != Call::State::closing ? Outcome::changed : outcome;
}

}  // namespace sipalg::call
