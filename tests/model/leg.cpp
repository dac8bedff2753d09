#include "tests/model/leg.hpp"

#include <array>

namespace sipalg::model {

namespace {

using Direction = Line::Direction;
constexpr Time transaction_time{32'000};
constexpr std::size_t max_lines = 4;

std::uint16_t any_port(Side side, Dice& dice) {
    return static_cast<std::uint16_t>(side == Side::inside ? 16000 + 2 * dice.below(24)
                                                           : 30000 + 2 * dice.below(50));
}

Line fresh_line(Line::Kind kind, Side side, const Address& host, Dice& dice) {
    Line line;
    line.kind = kind;
    line.port = any_port(side, dice);
    line.host = host;
    if (kind != Line::Kind::fax) {
        if (dice.one_in(6)) line.rtcp = static_cast<std::uint16_t>(line.port + 1 + 2 * dice.below(3));
        line.mux = dice.one_in(4);
    }
    return line;
}

Address any_host(Side side, const Address& usual, Dice& dice) {
    if (side == Side::inside || !dice.one_in(4)) return usual;
    return Address::v4(0xCB00710BU + static_cast<std::uint32_t>(dice.below(3)));  // 203.0.113.11
}

// Typical changes: hold, resume, video on and off, fax, another port.
void change(Description& lines, Side side, const Address& host, Dice& dice) {
    Line& line = lines[dice.below(lines.size())];
    switch (dice.below(9)) {
        case 0:
            for (Line& any : lines)
                any.direction = dice.of(std::array{Direction::sendonly, Direction::inactive});
            break;
        case 1:
            for (Line& any : lines)
                if (any.open()) any.host = Address::v4(0);
            break;
        case 2:
        case 3:
            for (Line& any : lines) {
                any.direction = Direction::sendrecv;
                any.host = any_host(side, host, dice);
            }
            break;
        case 4: line = fresh_line(line.kind, side, any_host(side, host, dice), dice); break;
        case 5:
            if (lines.size() < max_lines)
                lines.push_back(
                    fresh_line(dice.one_in(4) ? Line::Kind::fax : Line::Kind::video, side, host, dice));
            break;
        case 6: line.port = 0; break;
        case 7:
            line = fresh_line(line.kind == Line::Kind::fax ? Line::Kind::audio : Line::Kind::fax, side, host,
                              dice);
            break;
        default: break;  // a refresh
    }
}

// A direction that matches the other side's (RFC 3264 6.1).
Direction reply(Direction offered, Dice& dice) {
    switch (offered) {
        case Direction::sendonly: return dice.one_in(5) ? Direction::inactive : Direction::recvonly;
        case Direction::recvonly: return dice.one_in(5) ? Direction::inactive : Direction::sendonly;
        case Direction::inactive: return Direction::inactive;
        default: return dice.one_in(8) ? Direction::sendonly : Direction::sendrecv;
    }
}

}  // namespace

Description fresh_description(Side side, const Address& host, Dice& dice) {
    Description lines{fresh_line(Line::Kind::audio, side, host, dice)};
    if (dice.one_in(3))
        lines.push_back(fresh_line(Line::Kind::video, side, any_host(side, host, dice), dice));
    return lines;
}

bool Leg::can_offer() const {
    return complete && !offered && !to_answer && !update_out && !prack_out && !prack_due && !reliable_open &&
           ((!invite_in && !invite_out && stage == Stage::confirmed) || invite_exchanged);
}

void Leg::offer(Message& message, int number, Dice& dice) {
    if (own.empty())
        own = fresh_description(side, any_host(side, host, dice), dice);
    else
        change(own, side, host, dice);
    message.description = own;
    message.role = Role::offer;
    message.offer = offered = said_of = number;
    said = Role::offer;
    offered_in = message.transaction;
}

void Leg::answer(Message& message, Dice& dice) {
    Description lines;
    for (std::size_t i = 0; i < other.size(); ++i) {
        const Line& theirs = other[i];
        const bool known = i < own.size() && own[i].open() && own[i].kind == theirs.kind && !dice.one_in(6);
        Line line = known ? own[i] : fresh_line(theirs.kind, side, any_host(side, host, dice), dice);
        if (line.host.is_unspecified()) line.host = host;
        line.direction = reply(theirs.direction, dice);
        if (known && theirs.host.is_unspecified() && dice.one_in(3)) line.host = theirs.host;
        line.mux = theirs.mux && !dice.one_in(4);
        if (!theirs.open() || dice.one_in(10)) line.port = 0;
        lines.push_back(line);
    }
    own = agreed = lines;
    message.description = std::move(lines);
    message.role = Role::answer;
    message.offer = said_of = to_answer;
    said = Role::answer;
    to_answer = asked_in = 0;
    complete = true;
}

int Leg::hear(const Message& message) {
    switch (message.role) {
        case Role::none: return 0;
        case Role::answer:
            if (offered != message.offer) return 0;
            other = *message.description;
            for (std::size_t i = 0; i < own.size() && i < other.size(); ++i)
                if (!other[i].open()) own[i].port = 0;
            agreed = own;
            offered = offered_in = 0;
            complete = true;
            return 0;
        case Role::offer:
            if (!heard.insert(message.offer).second) return 0;  // a repetition
            if (offered) return 491;
            if (to_answer) return 500;
            other = *message.description;
            to_answer = message.offer;
            asked_in = message.transaction;
            return 0;
    }
    return 0;
}

void Leg::forget(int transaction) {
    if (offered && offered_in == transaction) {
        offered = offered_in = 0;
        if (!agreed.empty()) own = agreed;
    }
    if (asked_in == transaction) to_answer = asked_in = 0;
}

void Leg::refresh(const Message& message, Time now) {
    session_until = message.session_expires ? now + Seconds{message.session_expires} : Time{0};
}

void Leg::time_passes(Time now) {
    if (session_until != Time{0} && session_until <= now) stage = Stage::over;
    const auto old = [now](const Message& message) { return message.sent_at + transaction_time <= now; };
    for (std::optional<Message>* sent : {&update_out, &prack_out, &invite_out, &prack_due, &prack_in})
        if (*sent && old(**sent)) {
            forget((*sent)->transaction);
            sent->reset();
        }
    for (std::optional<Asked>* asked : {&update_in, &invite_in})
        if (*asked && !(asked == &invite_in && is_initial()) && old((*asked)->message)) {
            forget((*asked)->message.transaction);
            asked->reset();
        }
    if (reliable_open && reliable_at + transaction_time <= now) {
        // The INVITE has to be refused (RFC 3262 3); here it is left alone, as if the refusal were lost.
        reliable_open = false;
        if (invite_in) forget(invite_in->message.transaction);
        invite_in.reset();
        if (is_initial()) stage = Stage::over;
    }
    // The 2xx was not acknowledged (RFC 3261 13.3.1.4).
    if (ack_due_until != Time{0} && ack_due_until <= now) stage = Stage::over;
}

}  // namespace sipalg::model
