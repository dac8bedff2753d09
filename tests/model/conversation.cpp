#include "tests/model/conversation.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace sipalg::model {

Message Conversation::blank(Side from, const char* method, Time now) {
    Message message;
    message.number = ++post_.messages;
    message.call = number_;
    message.from = from;
    message.method = method;
    message.source = from == Side::inside ? ends_.phone : ends_.peer;
    message.destination = from == Side::inside ? ends_.peer : ends_.phone;
    message.sent_at = now;
    return message;
}

Message Conversation::request(Leg& leg, const char* method, Time now) {
    Message message = blank(leg.side, method, now);
    message.transaction = ++post_.transactions;
    message.fork = leg.fork;
    message.from_tag = leg.own_tag;
    message.to_tag = leg.other_tag;
    message.cseq = ++leg.cseq;
    return message;
}

Message Conversation::response(const Leg& leg, const Message& answered, int status, Time now) {
    Message message = blank(leg.side, answered.method.c_str(), now);
    message.status = status;
    message.transaction = answered.transaction;
    message.initial = answered.initial;
    message.cseq = answered.cseq;
    message.from_tag = answered.from_tag;
    if (status > 100) {
        message.fork = leg.fork;
        message.to_tag = leg.own_tag;
    }
    return message;
}

const Message& Conversation::send(Message message, const std::string& uri, int branch) {
    write_request(message, uri, branch ? branch : ++post_.branches);
    post_.outbox.push_back(std::move(message));
    return post_.outbox.back();
}

void Conversation::respond(Message message, const Message& answered) {
    write_response(message, answered);
    post_.outbox.push_back(std::move(message));
}

void Conversation::begin(Dice& dice, Time now) {
    if (!dice.one_in(4)) {
        const Address host = ends_.caller == Side::inside ? ends_.phone.address : ends_.peer.address;
        wanted_ = fresh_description(ends_.caller, host, dice);
    }
    send_invite(dice, now);
}

void Conversation::send_invite(Dice& dice, Time now) {
    Message message = blank(ends_.caller, "INVITE", now);
    message.transaction = ++post_.transactions;
    message.initial = true;
    message.from_tag = "c" + std::to_string(number_);
    message.cseq = ++cseq_;
    if (!wanted_.empty()) {
        if (dice.one_in(4)) wanted_ = fresh_description(ends_.caller, wanted_.front().host, dice);
        message.description = wanted_;
        message.role = Role::offer;
        message.offer = ++post_.offers;
    }
    const std::string uri = ends_.caller == Side::inside ? "sip:b@" + ends_.peer.text() : ends_.phone_contact;
    invite_ = {send(std::move(message), uri), true, false, false, 0};
    calling_.clear();
}

bool Conversation::act(Act act, Dice& dice, Time now) {
    if (act == Act::retry) return retry(dice, now);
    if (act == Act::cancel) return cancel(dice, now);
    std::vector<Leg*> legs;
    for (std::vector<Leg>* side : {&calling_, &called_})
        for (Leg& leg : *side)
            legs.push_back(&leg);
    if (legs.empty()) return false;
    const std::size_t first = dice.below(legs.size());
    for (std::size_t i = 0; i < legs.size(); ++i)
        if (try_act(act, *legs[(first + i) % legs.size()], dice, now)) return true;
    return false;
}

bool Conversation::try_act(Act act, Leg& leg, Dice& dice, Time now) {
    // It has hung up, or waits for the ACK (RFC 3261 14.1, 15).
    if ((leg.bye_out || leg.ack_due_until > now) && act != Act::reply) return false;
    switch (act) {
        case Act::ring: return ring(leg, dice, now);
        case Act::accept: return accept(leg, dice, now);
        case Act::decline: return decline(leg, dice, now);
        case Act::prack: return prack(leg, dice, now);
        case Act::reply: return reply(leg, dice, now);
        case Act::update: return update(leg, dice, now);
        case Act::reinvite: return reinvite(leg, dice, now);
        case Act::bye: return bye(leg, dice, now);
        default: return false;
    }
}

bool Conversation::ring(Leg& leg, Dice& dice, Time now) {
    if (!leg.invite_in || leg.invite_in->refuse || leg.stage == Leg::Stage::over) return false;
    const Message& invite = leg.invite_in->message;
    const bool initial = leg.is_initial();
    if (initial && accepted_) return false;  // RFC 3261 16.7
    const std::size_t kind = dice.below(6);
    if (kind == 0) {
        respond(response(leg, invite, 100, now), invite);
        return true;
    }
    if (kind == 1 && initial && called_.size() > 1) {  // RFC 6228
        const auto alive = [](const Leg& any) { return any.stage != Leg::Stage::over; };
        if (leg.stage != Leg::Stage::early || std::count_if(called_.begin(), called_.end(), alive) < 2)
            return false;
        leg.stage = Leg::Stage::over;
        respond(response(leg, invite, 199, now), invite);
        return true;
    }
    Message message = response(leg, invite, dice.one_in(2) ? 180 : 183, now);
    if (initial) leg.stage = Leg::Stage::early;
    const bool reliable = kind >= 4 && !leg.reliable_open && !leg.offered;
    if (reliable) {
        message.rseq = ++leg.rseq;
        if (leg.to_answer && leg.asked_in == invite.transaction) {
            if (!dice.one_in(3)) {
                leg.answer(message, dice);
                leg.invite_exchanged = true;
            }
        } else if (!leg.invite_exchanged && !leg.to_answer && !dice.one_in(3)) {
            leg.offer(message, ++post_.offers, dice);
        }
        leg.reliable_open = true;
        leg.reliable_at = now;
    } else if (kind == 3 && initial && leg.to_answer && leg.asked_in == invite.transaction &&
               !leg.reliable_open) {
        // Early media: only the 2xx, or a reliable response, answers for good (RFC 6337 3.1.1).
        const int offer = leg.to_answer, transaction = leg.asked_in;
        leg.answer(message, dice);
        leg.to_answer = offer;
        leg.asked_in = transaction;
        leg.complete = false;
    }
    respond(std::move(message), invite);
    return true;
}

bool Conversation::accept(Leg& leg, Dice& dice, Time now) {
    if (!leg.invite_in || leg.invite_in->refuse || leg.reliable_open || leg.offered || leg.prack_in ||
        leg.update_in || leg.update_out || leg.stage == Leg::Stage::over)
        return false;
    const Message invite = leg.invite_in->message;
    if (leg.is_initial()) {
        if (accepted_ && *accepted_ + Time{10'000} < now) return false;
        if (!accepted_) accepted_ = now;
    }
    Message message = response(leg, invite, 200, now);
    if (leg.to_answer) {
        leg.answer(message, dice);
    } else if (!leg.invite_exchanged) {
        leg.offer(message, ++post_.offers, dice);
    } else if (!leg.updated && !leg.agreed.empty() && dice.one_in(3)) {
        message.description = leg.agreed;  // many phones repeat the description
        message.role = leg.said;
        message.offer = leg.said_of;
    }
    if (dice.one_in(4)) message.session_expires = dice.of(std::array{60U, 90U, 300U, 1800U});
    leg.refresh(message, now);
    leg.stage = Leg::Stage::confirmed;
    leg.ack_due_until = now + Time{32'000};
    leg.invite_in.reset();
    leg.invite_exchanged = false;
    respond(std::move(message), invite);
    return true;
}

void Conversation::decline_first(Leg& leg, int status, Time now) {
    leg.stage = Leg::Stage::over;
    leg.invite_in.reset();
    const auto alive = [](const Leg& any) { return any.stage != Leg::Stage::over; };
    if (!invited_ || accepted_ || std::any_of(called_.begin(), called_.end(), alive)) return;
    respond(response(leg, *invited_, status, now), *invited_);
    invited_.reset();
}

bool Conversation::decline(Leg& leg, Dice& dice, Time now) {
    if (!leg.invite_in) return false;
    const Message invite = leg.invite_in->message;
    const int refuse = leg.invite_in->refuse;
    if (leg.is_initial()) {
        const int status = dice.of(std::array{302, 401, 407, 486, 488, 503, 603});
        if (status == 603 && !accepted_)
            for (Leg& fork : called_)
                fork.stage = Leg::Stage::over;
        decline_first(leg, status, now);
        return true;
    }
    if (leg.stage == Leg::Stage::over) return false;  // reply() says 481
    // An offer that was answered in a reliable response stays in force (RFC 6141 3.4).
    if (leg.invite_exchanged || leg.prack_in || leg.update_in) return false;
    respond(response(leg, invite, refuse ? refuse : dice.of(std::array{488, 403, 401, 500, 408, 491}), now),
            invite);
    leg.forget(invite.transaction);
    leg.reliable_open = false;
    leg.invite_in.reset();
    return true;
}

bool Conversation::retry(Dice& dice, Time now) {
    if (invite_.open || !invite_.refused || cseq_ > 3) return false;
    const bool elsewhere = invite_.refused == 302 || invite_.refused == 503;
    if (elsewhere && ends_.caller == Side::inside) std::swap(ends_.peer, ends_.next_peer);
    called_.clear();
    invited_.reset();
    send_invite(dice, now);
    return true;
}

bool Conversation::cancel(Dice&, Time now) {
    if (!invite_.open || !invite_.rang || invite_.cancelled) return false;
    invite_.cancelled = true;
    Message message = blank(ends_.caller, "CANCEL", now);
    message.transaction = ++post_.transactions;
    message.initial = true;
    message.from_tag = invite_.message.from_tag;
    message.cseq = invite_.message.cseq;
    // The branch of its INVITE (RFC 3261 9.1).
    const std::string via = header_lines(invite_.message.text, "Via");
    const int branch = std::stoi(via.substr(via.find("z9hG4bK") + 7));
    const std::string uri = invite_.message.text.substr(7, invite_.message.text.find(" SIP/2.0") - 7);
    send(std::move(message), uri, branch);
    return true;
}

bool Conversation::prack(Leg& leg, Dice& dice, Time now) {
    if (!leg.prack_due || leg.prack_out || leg.stage == Leg::Stage::over) return false;
    Message message = request(leg, "PRACK", now);
    message.rseq = leg.prack_due->rseq;
    const bool asked = leg.to_answer && leg.asked_in == leg.prack_due->transaction;
    leg.prack_due.reset();
    if (asked) {
        leg.answer(message, dice);
        leg.invite_exchanged = true;
    } else if (leg.can_offer() && dice.one_in(4)) {
        leg.offer(message, ++post_.offers, dice);
    }
    leg.prack_out = send(std::move(message), leg.target);
    return true;
}

bool Conversation::reply(Leg& leg, Dice& dice, Time now) {
    if (leg.bye_in) {
        const Message asked = std::exchange(leg.bye_in, std::nullopt).value();
        const bool was_early = leg.is_initial();
        const int status = dice.of(std::array{200, 200, 200, 200, 481, 401, 407, 408, 500});
        respond(response(leg, asked, status, now), asked);
        if (status == 200 || status == 481 || status == 408) {
            if (was_early && !is_caller(leg))
                decline_first(leg, 487, now);
            else
                leg.stage = Leg::Stage::over;
        }
        return true;
    }
    const bool over = leg.stage == Leg::Stage::over;
    if (leg.prack_in) {
        const Message asked = std::exchange(leg.prack_in, std::nullopt).value();
        Message message = response(leg, asked, over ? 481 : 200, now);
        if (!over && leg.to_answer && leg.asked_in == asked.transaction) {
            leg.answer(message, dice);
            leg.updated = true;
        }
        respond(std::move(message), asked);
        return true;
    }
    if (over && leg.invite_in && !leg.is_initial() && !leg.invite_in->message.initial) {
        const Message asked = std::exchange(leg.invite_in, std::nullopt)->message;
        respond(response(leg, asked, 481, now), asked);
        return true;
    }
    if (!leg.update_in) return false;
    const Asked asked = std::exchange(leg.update_in, std::nullopt).value();
    const bool refused = over || asked.refuse || dice.one_in(4);
    const int status = over ? 481 : asked.refuse ? asked.refuse : dice.of(std::array{488, 401, 500, 504});
    Message message = response(leg, asked.message, refused ? status : 200, now);
    if (refused) {
        leg.forget(asked.message.transaction);
    } else {
        if (leg.to_answer && leg.asked_in == asked.message.transaction) leg.answer(message, dice);
        leg.updated = true;
        if (dice.one_in(4)) message.session_expires = dice.of(std::array{60U, 90U, 300U, 1800U});
        leg.refresh(message, now);
    }
    respond(std::move(message), asked.message);
    return true;
}

bool Conversation::update(Leg& leg, Dice& dice, Time now) {
    if (leg.stage != Leg::Stage::early && leg.stage != Leg::Stage::confirmed) return false;
    if (leg.update_out || leg.update_in || leg.other_tag.empty() || leg.bye_in) return false;
    const bool offers = leg.can_offer();
    if (!offers && !dice.one_in(4)) return false;
    Message message = request(leg, "UPDATE", now);
    if (offers && !dice.one_in(6)) {
        leg.offer(message, ++post_.offers, dice);
        leg.updated = true;
    }
    leg.update_out = send(std::move(message), leg.target);
    return true;
}

bool Conversation::reinvite(Leg& leg, Dice& dice, Time now) {
    if (leg.stage != Leg::Stage::confirmed || leg.invite_out || leg.invite_in || leg.update_in ||
        leg.bye_in || !leg.can_offer())
        return false;
    Message message = request(leg, "INVITE", now);
    leg.invite_exchanged = leg.updated = false;
    if (!dice.one_in(5)) leg.offer(message, ++post_.offers, dice);
    leg.invite_out = send(std::move(message), leg.target);
    return true;
}

bool Conversation::bye(Leg& leg, Dice&, Time now) {
    const bool may = leg.stage == Leg::Stage::confirmed || (leg.stage == Leg::Stage::early && is_caller(leg));
    if (!may || leg.bye_out) return false;
    Message message = request(leg, "BYE", now);
    leg.bye_out = send(std::move(message), leg.target);
    return true;
}

void Conversation::time_passes(Time now) {
    for (std::vector<Leg>* side : {&calling_, &called_})
        for (Leg& leg : *side) {
            leg.time_passes(now);
            if (leg.bye_out && leg.bye_out->sent_at + Time{32'000} <= now) leg.stage = Leg::Stage::over;
        }
    const Time patience{invite_.rang ? 190'000 : 32'000};
    if (!invite_.open || invite_.message.sent_at + patience > now) return;
    invite_.open = false;
    for (Leg& leg : called_)
        if (leg.is_initial()) leg.stage = Leg::Stage::over;
}

}  // namespace sipalg::model
