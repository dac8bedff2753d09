#include "tests/model/reference.hpp"

#include <algorithm>

namespace sipalg::model {

namespace {

using Direction = Line::Direction;
constexpr Time transaction_time{32'000};  // 64*T1
constexpr Time ringing_time{200'000};     // above Timer C
constexpr Time ringing_step{16'000};
constexpr Time shortest_session{90'000};  // RFC 4028 4
constexpr Time grace{32'000};
constexpr Time proof_time{120'000};

Side other(Side side) {
    return side == Side::inside ? Side::outside : Side::inside;
}

bool ends_dialog(int status) {
    return (status >= 200 && status < 300) || status == 481 || status == 408;
}

}  // namespace

void Reference::introduce(int call, Side caller, const Endpoint& phone) {
    calls_[call].caller = caller;
    calls_[call].phone = phone;
}

void Reference::answer(const Address& phone, const Address& peer, bool refused, Time now) {
    Time& answered = answered_.try_emplace({phone, peer}, -proof_time).first->second;
    if (refused) return;
    answered = now;
    for (auto& [number, call] : calls_) {
        const bool has = std::find(call.peers.begin(), call.peers.end(), peer) != call.peers.end();
        if (!call.over && call.phone.address == phone && has) call.proven.insert(peer);
    }
}

bool Reference::is_proven(const Pair& pair, Time now) const {
    const auto answered = answered_.find(pair);
    return registered_.contains(pair) || (answered != answered_.end() && answered->second + proof_time > now);
}

bool Reference::may_be_proven(const Call& call) const {
    return std::any_of(call.peers.begin(), call.peers.end(), [&](const Address& peer) {
        const Pair pair{call.phone.address, peer};
        return registered_.contains(pair) || answered_.contains(pair);
    });
}

bool Reference::alive(int call) const {
    const auto found = calls_.find(call);
    return found != calls_.end() && !found->second.over;
}

bool Reference::pass(const Message& message, Time now) {
    Call& call = calls_.at(message.call);
    if (message.is("INVITE") && message.initial) {
        if (!message.is_request()) return pass_first_response(call, message, now);
        begin(call, message, now);
        return true;
    }
    if (message.is("CANCEL") && message.status >= 200 && message.status < 300) {
        pass_cancel_response(call, message, now);
        return false;
    }
    if (call.over && message.is("INVITE") && message.is_request() && message.from == Side::inside &&
        call.over_at + transaction_time <= now)
        adopt(call, message, now);
    // Requests of the call may come from any host to which the phone has sent one, even only the ACK for an
    // earlier refusal.
    if (message.is_request() && message.from == Side::inside) call.met.insert(message.destination.address);
    if (message.fork < 0 || call.over) return false;
    const auto dialog = call.dialogs.find(message.fork);
    if (dialog == call.dialogs.end() || dialog->second.state == Dialog::State::over) return false;
    if (message.is_request())
        pass_request(call, dialog->second, message, now);
    else
        pass_response(call, dialog->second, message, now);
    return !dialog->second.adopted;
}

void Reference::begin(Call& call, const Message& message, Time now) {
    if (message.transaction <= call.transaction) {  // retransmission, perhaps of an INVITE to another peer
        if (message.from == Side::inside) call.met.insert(message.destination.address);
        return;
    }
    // In place of a call that is over, another one begins, with the peer of its own INVITE only.
    const std::vector<Address> before = call.over ? std::vector<Address>{} : call.peers;
    Call begun;
    begun.caller = call.caller;
    begun.phone = call.phone;
    begun.transaction = message.transaction;
    begun.cseq = message.cseq;
    begun.ringing = true;
    begun.over = false;
    begun.past = call.past;
    begun.ringing_until = now + ringing_time;
    begun.sign = now;
    call = std::move(begun);
    call.peers.push_back(message.from == Side::inside ? message.destination.address : message.source.address);
    for (const Address& peer : before)
        if (peer != call.peers.front()) call.peers.push_back(peer);
    if (is_proven({call.phone.address, call.peers.front()}, now)) call.proven.insert(call.peers.front());
    if (message.role == Role::offer)
        call.initial = Offer{message.offer, message.from, message.transaction, *message.description, {}, {}};
}

// A call that is unknown, or no longer known, is adopted from the phone's message.
void Reference::adopt(Call& call, const Message& message, Time now) {
    Call adopted;
    adopted.caller = Side::inside;
    adopted.phone = call.phone;
    adopted.peers = {message.destination.address};
    if (is_proven({call.phone.address, adopted.peers.front()}, now))
        adopted.proven.insert(adopted.peers.front());
    adopted.transaction = call.transaction;
    adopted.past = call.past;
    adopted.over = false;
    adopted.confirmed = true;
    adopted.sign = now;
    adopted.dialogs[message.fork].state = Dialog::State::confirmed;
    adopted.dialogs[message.fork].adopted = true;
    call = std::move(adopted);
}

bool Reference::pass_first_response(Call& call, const Message& message, Time now) {
    if (call.over || message.transaction != call.transaction || message.status == 100) return false;
    const bool answered_before = call.past.contains(message.transaction);
    if (message.status >= 300) {
        if (!answered_before && !call.confirmed) end(call, now);
        call.past.insert(message.transaction);
        return true;
    }
    const bool provisional = message.status < 200;
    if (provisional && answered_before) return false;
    if (message.status == 199) {  // RFC 6228: ends an early dialog, and makes none
        const auto named = call.dialogs.find(message.fork);
        if (named == call.dialogs.end() || named->second.state == Dialog::State::over) return false;
        prolong_ringing(call, now);
        if (named->second.state == Dialog::State::early) named->second.state = Dialog::State::over;
        return false;
    }
    Dialog& dialog = call.dialogs[message.fork];
    if (dialog.state != Dialog::State::early) return false;
    if (provisional) {
        prolong_ringing(call, now);
        take(call, dialog, message, now);
        return true;
    }
    take(call, dialog, message, now);
    refresh(dialog, message, now);
    dialog.state = Dialog::State::confirmed;
    call.past.insert(message.transaction);
    call.sign = now;
    if (!call.confirmed) call.forks_until = now + transaction_time;
    call.confirmed = true;
    call.ringing = false;
    return true;
}

void Reference::prolong_ringing(Call& call, Time now) {
    if (!call.cancelled && now + ringing_time - call.ringing_until >= ringing_step)
        call.ringing_until = now + ringing_time;
}

// A cancelled INVITE gets its final response within 64*T1, or never (RFC 3261 9.1).
void Reference::pass_cancel_response(Call& call, const Message& message, Time now) const {
    if (!call.ringing || call.cancelled || message.cseq != call.cseq || call.past.contains(call.transaction))
        return;
    call.cancelled = true;
    call.ringing_until = std::min(call.ringing_until, now + transaction_time);
}

void Reference::pass_request(Call& call, Dialog& dialog, const Message& message, Time now) {
    if (!message.is("INVITE") && !message.is("ACK")) {
        std::uint32_t& latest = dialog.latest[message.from];
        if (message.cseq < latest) return;  // out of order: it can only be refused (RFC 3261 12.2.2)
        if (message.is("BYE") && !dialog.past_byes.contains(message.transaction))
            dialog.byes.emplace(message.transaction,
                                Dialog::Bye{now + transaction_time, message.from, message.cseq, latest});
        latest = message.cseq;
    }
    if (message.is("BYE")) return;
    if (dialog.past.contains(message.transaction)) return;
    const bool first = dialog.requests.insert(message.transaction).second;
    if (first && (message.is("INVITE") || message.is("UPDATE"))) call.sign = now;
    take(call, dialog, message, now);
}

void Reference::pass_response(Call& call, Dialog& dialog, const Message& message, Time now) {
    if (message.is("BYE")) {
        // The request may have passed unread.
        std::uint32_t& latest = dialog.latest[other(message.from)];
        if (!dialog.byes.contains(message.transaction) && message.cseq <= latest) return;
        const bool challenged = message.status == 401 || message.status == 407;
        if (challenged || ends_dialog(message.status)) latest = std::max(latest, message.cseq);
        if (ends_dialog(message.status)) {
            dialog.state = Dialog::State::over;
            end_if_alone(call, now);
        } else if (challenged) {
            dialog.byes.erase(message.transaction);
            dialog.past_byes.insert(message.transaction);
        }
        return;
    }
    const bool first = !dialog.past.contains(message.transaction);
    if (message.status < 200) {
        for (auto& [side, offer] : dialog.pending)  // the other side has not decided yet
            if (first && side != message.from && offer.transaction == message.transaction)
                offer.until = now + ringing_time;
        if (first) take(call, dialog, message, now);
        return;
    }
    if (dialog.requests.contains(message.transaction)) dialog.past.insert(message.transaction);
    if (message.status >= 300) {
        refuse(dialog, message.transaction);
        return;
    }
    if (first) take(call, dialog, message, now);
    if (message.is("PRACK")) refuse(dialog, message.transaction);  // offers without an answer
    if (message.is("INVITE")) {
        if (first) refresh(dialog, message, now);
        if (first) call.sign = now;
    } else if (message.is("UPDATE")) {
        if (first) refresh(dialog, message, now);
    }
}

void Reference::take(Call& call, Dialog& dialog, const Message& message, Time now) {
    if (message.role == Role::none) return;
    const std::set<Endpoint> kept = kept_of(call, message, now);
    const bool settled = dialog.settled.contains(message.offer);
    if (message.role == Role::offer) {
        if (settled) return;
        const auto before = dialog.pending.find(message.from);
        if (before != dialog.pending.end() && before->second.number == message.offer &&
            before->second.transaction == message.transaction)
            return;  // retransmission: the time counts from the first one
        const bool rings = message.is("INVITE") && message.status < 200;
        dialog.pending[message.from] = {message.offer,
                                        message.from,
                                        message.transaction,
                                        *message.description,
                                        kept,
                                        now + (rings ? ringing_time : transaction_time),
                                        true};
        return;
    }
    const auto pending = dialog.pending.find(other(message.from));
    if (!settled && pending != dialog.pending.end() && pending->second.number == message.offer) {
        const Offer offer = pending->second;
        agree(dialog, offer, message, kept);
        dialog.renegotiated = true;
        dialog.settled.insert(offer.number);
        for (const auto& [side, crossed] : dialog.pending)
            dialog.settled.insert(crossed.number);
        dialog.pending.clear();
    } else if (message.is("PRACK")) {
        // The offer that it answers was withdrawn in the meantime. It looks like an offer until there is a
        // response to it.
        if (!dialog.past.contains(message.transaction))
            dialog.pending[message.from] = {
                0,    message.from, message.transaction, *message.description, kept, now + transaction_time,
                false};
    } else if (!settled && call.initial && call.initial->number == message.offer && !dialog.renegotiated &&
               dialog.state == Dialog::State::early) {
        agree(dialog, *call.initial, message, kept);  // for each fork, and again for each response of a fork
    }
}

void Reference::agree(Dialog& dialog, const Offer& offer, const Message& answer,
                      const std::set<Endpoint>& kept) {
    const bool ours = offer.by == Side::inside;
    (ours ? dialog.local : dialog.remote) = offer.lines;
    (ours ? dialog.remote : dialog.local) = *answer.description;
    dialog.kept = ours ? offer.kept : kept;
}

void Reference::refuse(Dialog& dialog, int transaction) {
    std::erase_if(dialog.pending, [&](const auto& entry) {
        if (entry.second.transaction != transaction) return false;
        dialog.settled.insert(entry.second.number);
        return true;
    });
}

void Reference::refresh(Dialog& dialog, const Message& message, Time now) {
    dialog.session_until.reset();
    if (message.session_expires)
        dialog.session_until =
            now + std::max(Time{Seconds{message.session_expires}}, shortest_session) + grace;
}

void Reference::end(Call& call, Time now) {
    call.over_at = now;
    call.over = true;
    call.ringing = false;
    call.past.insert(call.transaction);
}

void Reference::end_if_alone(Call& call, Time now) {
    const bool alone = std::all_of(call.dialogs.begin(), call.dialogs.end(), [](const auto& entry) {
        return entry.second.state == Dialog::State::over;
    });
    if (alone && !call.ringing) end(call, now);
}

void Reference::hear(const std::set<Endpoint>& inside, Time now) {
    for (auto& [number, call] : calls_) {
        if (call.over) continue;
        for (const Endpoint& endpoint : media_of(number, now))
            if (inside.contains(endpoint)) call.heard[endpoint] = now;
    }
}

void Reference::restart(Time now) {
    for (auto& [pair, at] : answered_)
        at = -proof_time;  // the proof is only in the records of calls
    for (auto& [number, call] : calls_) {
        if (call.over) call.peers.clear();  // the daemon has forgotten it
        if (call.over) call.over_at = Time{0};
        if (call.over) continue;
        call.sign = now;
        // Records leave out a BYE without a final answer; the answer or a retransmission tells of it.
        for (auto& [fork, dialog] : call.dialogs) {
            for (auto bye = dialog.byes.rbegin(); bye != dialog.byes.rend(); ++bye)
                if (std::uint32_t& latest = dialog.latest[bye->second.by]; latest == bye->second.cseq)
                    latest = bye->second.before;
            dialog.byes.clear();
        }
    }
}

void Reference::time_passes(Time now) {
    for (auto& [number, call] : calls_) {
        if (call.over) continue;
        if (!call.confirmed) {
            if (call.ringing_until <= now) end(call, now);
            if (call.over) continue;
        }
        for (auto& [fork, dialog] : call.dialogs) {
            std::erase_if(dialog.pending, [&](const auto& entry) { return entry.second.until <= now; });
            const bool confirmed = dialog.state == Dialog::State::confirmed;
            const bool bye_lost = std::any_of(dialog.byes.begin(), dialog.byes.end(),
                                              [now](const auto& bye) { return bye.second.until <= now; });
            const bool fork_lost =
                call.confirmed && dialog.state == Dialog::State::early && call.forks_until <= now;
            if (bye_lost || fork_lost || (confirmed && dialog.session_until && *dialog.session_until <= now))
                dialog.state = Dialog::State::over;
        }
        if (!call.confirmed) continue;
        end_if_alone(call, now);
        if (call.over) continue;
        if (silent_until(call, media_of(number, now)) <= now) end(call, now);
    }
}

}  // namespace sipalg::model
