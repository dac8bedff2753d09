// The reaction of the ends of a conversation to messages.
#include <algorithm>
#include <stdexcept>

#include "tests/model/conversation.hpp"

namespace sipalg::model {

namespace {

bool ends_call(int status) {
    return (status >= 200 && status < 300) || status == 481 || status == 408;
}

}  // namespace

Leg* Conversation::receiver(const Message& message) {
    const Side side = message.from == Side::inside ? Side::outside : Side::inside;
    for (Leg& leg : legs_of(side))
        if (leg.fork == message.fork) return &leg;
    return nullptr;
}

// S3, S4: requests come to the Contact as its owner wrote it, responses with the Via as it was sent.
void Conversation::check_route(const Message& message) const {
    if (message.from == Side::inside) return;
    if (message.is_request()) {
        const std::string uri = message.got.substr(message.method.size() + 1);
        if (!uri.starts_with("sip:x@" + ends_.phone.text() + " "))
            throw std::runtime_error("S4: a request came to " + uri.substr(0, uri.find(' ')));
        return;
    }
    const std::string via = header_lines(message.got, "Via");
    if (!via.starts_with("Via: SIP/2.0/UDP " + ends_.phone.text() + ";"))
        throw std::runtime_error("S4: a response came with " + via);
}

void Conversation::receive(const Message& message, Dice& dice, Time now) {
    check_route(message);
    const Side side = message.from == Side::inside ? Side::outside : Side::inside;
    const bool again = !seen_.emplace(message.number, side).second;
    if (again) {
        Leg* leg = message.is("INVITE") && message.status / 100 == 2 ? receiver(message) : nullptr;
        if (leg && leg->ack) {
            post_.outbox.push_back(*leg->ack);
            post_.outbox.back().comparable = false;  // there may have been a restart in between
        }
        return;
    }
    if (message.is_request() && message.fork < 0) {
        if (message.is("INVITE")) receive_first_invite(message, dice);
        if (message.is("CANCEL")) receive_cancel(message, now);
        return;
    }
    if (message.fork < 0) return;  // 100, or an answer to CANCEL
    Leg* leg = receiver(message);
    const bool makes_leg = message.is("INVITE") && message.initial && !message.is_request();
    if (!leg && makes_leg && message.cseq == cseq_) {
        Leg made;
        made.side = ends_.caller;
        made.fork = message.fork;
        made.host = made.side == Side::inside ? ends_.phone.address : ends_.peer.address;
        made.own_tag = message.from_tag;
        made.other_tag = message.to_tag;
        made.stage = Leg::Stage::early;
        made.cseq = cseq_;
        made.own = wanted_;
        made.offered = invite_.message.offer;
        made.offered_in = made.offered ? invite_.message.transaction : 0;
        calling_.push_back(made);
        leg = &calling_.back();
    }
    if (!leg) return;
    if (const std::string uri = header_uri(message.got, "Contact"); !uri.empty()) leg->target = uri;
    if (message.is_request())
        receive_request(*leg, message);
    else if (message.is("INVITE"))
        receive_invite_response(*leg, message, dice, now);
    else
        receive_response(*leg, message);
}

void Conversation::receive_first_invite(const Message& message, Dice& dice) {
    if (message.cseq != cseq_ || !invite_.open) return;
    invited_ = message;
    called_.clear();
    const std::size_t count = dice.one_in(2) ? 1 : 2 + dice.below(2);
    for (std::size_t i = 0; i < count; ++i) {
        Leg leg;
        leg.side = callee_side();
        leg.fork = ++post_.forks;
        leg.host = leg.side == Side::inside ? ends_.phone.address
                                            : Address::v4(0xCB00710BU + static_cast<std::uint32_t>(i));
        if (leg.side == Side::outside && dice.one_in(3)) leg.host = ends_.peer.address;
        leg.own_tag = "f" + std::to_string(leg.fork);
        leg.other_tag = message.from_tag;
        leg.target = header_uri(message.got, "Contact");
        leg.invite_in = Asked{message, 0};
        leg.hear(message);
        called_.push_back(std::move(leg));
    }
}

void Conversation::receive_cancel(const Message& message, Time now) {
    if (called_.empty() || message.cseq != cseq_) return;
    Leg& any = called_.front();
    Message ok = response(any, message, 200, now);
    ok.fork = -1;
    respond(std::move(ok), message);
    if (accepted_ || !invited_) return;
    for (Leg& leg : called_)
        leg.stage = Leg::Stage::over;
    decline_first(any, 487, now);
}

void Conversation::receive_request(Leg& leg, const Message& message) {
    if (message.is("ACK")) {
        leg.ack_due_until = Time{0};
        leg.hear(message);
        return;
    }
    if (message.is("BYE")) {
        leg.bye_in = message;
    } else if (message.is("PRACK")) {
        if (!leg.reliable_open || message.rseq != leg.rseq) return;
        leg.reliable_open = false;
        if (leg.invite_in && leg.offered && message.role == Role::answer) leg.invite_exchanged = true;
        leg.hear(message);
        leg.prack_in = message;
    } else if (message.is("UPDATE")) {
        leg.update_in = Asked{message, leg.hear(message)};
    } else if (message.is("INVITE")) {
        if (leg.is_initial()) return;
        const int refuse = leg.invite_out || leg.offered ? 491 : leg.invite_in || leg.to_answer ? 500 : 0;
        if (refuse == 500 && leg.invite_in) return;  // only one at a time; the sender gives up
        leg.invite_in = Asked{message, refuse};
        leg.invite_exchanged = leg.updated = false;
        if (!refuse) leg.hear(message);
    }
}

void Conversation::receive_invite_response(Leg& leg, const Message& message, Dice& dice, Time now) {
    const bool first = message.initial;
    if (!first && (!leg.invite_out || leg.invite_out->transaction != message.transaction)) return;
    if (message.status < 200) {
        if (first) invite_.rang = true;
        if (message.status == 199) leg.stage = Leg::Stage::over;
        if (leg.stage == Leg::Stage::over || (first && leg.stage == Leg::Stage::confirmed)) return;
        if (message.rseq) {
            if (message.role == Role::answer && leg.offered == message.offer) leg.invite_exchanged = true;
            leg.hear(message);
            leg.prack_due = message;
        }
        return;
    }
    if (message.status >= 300) {
        Message ack = blank(leg.side, "ACK", now);
        const Message& invite = first ? invite_.message : *leg.invite_out;
        ack.transaction = ++post_.transactions;
        ack.initial = first;
        ack.from_tag = message.from_tag;
        ack.to_tag = message.to_tag;
        ack.cseq = message.cseq;
        const std::string via = header_lines(invite.text, "Via");
        send(std::move(ack), invite.text.substr(7, invite.text.find(" SIP/2.0") - 7),
             std::stoi(via.substr(via.find("z9hG4bK") + 7)));
        if (!first) {
            leg.forget(message.transaction);
            leg.prack_due.reset();
            leg.invite_out.reset();
            return;
        }
        if (message.transaction != invite_.message.transaction) return;
        invite_.open = false;
        const int status = message.status;
        if (status == 302 || status == 401 || status == 407 || status == 503) invite_.refused = status;
        for (Leg& any : calling_)
            if (any.stage != Leg::Stage::confirmed) any.stage = Leg::Stage::over;
        return;
    }
    leg.hear(message);
    leg.refresh(message, now);
    acknowledge(leg, message, dice, now);
    if (!first) leg.invite_out.reset();
    if (first) invite_.open = false;
    leg.invite_exchanged = false;
    leg.prack_due.reset();
    if (leg.stage == Leg::Stage::early) leg.stage = Leg::Stage::confirmed;
}

void Conversation::acknowledge(Leg& leg, const Message& final, Dice& dice, Time now) {
    Message ack = blank(leg.side, "ACK", now);
    ack.transaction = ++post_.transactions;
    ack.fork = leg.fork;
    ack.from_tag = leg.own_tag;
    ack.to_tag = leg.other_tag;
    ack.cseq = final.cseq;
    if (final.role == Role::offer && leg.to_answer == final.offer) leg.answer(ack, dice);
    leg.ack = send(std::move(ack), leg.target);
}

void Conversation::receive_response(Leg& leg, const Message& message) {
    const auto is_for = [&](const std::optional<Message>& sent) {
        return sent && sent->transaction == message.transaction;
    };
    if (is_for(leg.bye_out)) {
        if (message.status == 401 || message.status == 407)
            leg.bye_out.reset();
        else if (ends_call(message.status))
            leg.stage = Leg::Stage::over;
        return;
    }
    for (std::optional<Message>* sent : {&leg.update_out, &leg.prack_out}) {
        if (!is_for(*sent)) continue;
        if (message.status >= 300)
            leg.forget(message.transaction);
        else
            leg.hear(message);
        if (message.status < 300 && message.is("UPDATE")) leg.refresh(message, message.got_at);
        sent->reset();
    }
}

}  // namespace sipalg::model
