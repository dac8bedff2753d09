#include "tests/stream/connection.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "alg/core/state.hpp"

namespace sipalg::test {

namespace {

const Address router = Address::v4(0xCB007101);  // 203.0.113.1

Policy policy() {
    return {};
}

Host::Kind kind(model::Dice& dice) {
    Host::Kind kind;
    kind.sack = !dice.one_in(4);
    kind.timestamps = !dice.one_in(3);
    kind.scale = static_cast<std::uint8_t>(dice.below(8));
    kind.window = dice.one_in(3) ? 2000 + dice.below(6000) : 65535;
    kind.congestion = 1 + dice.below(12);
    kind.mss = static_cast<std::uint16_t>(dice.one_in(3) ? 400 + dice.below(300) : 1460);
    return kind;
}

std::string replaced(std::string text, const std::string& what, const std::string& by) {
    for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += by.size())
        text.replace(at, what.size(), by);
    return text;
}

}  // namespace

Connection::Connection(std::uint64_t seed) : dice_(seed), state_(stored_.emplace(policy())) {
    phone_.endpoint = *Endpoint::parse(dice_.one_in(2) ? "10.0.0.2:40000" : "192.168.111.111:40000");
    peer_.endpoint = *Endpoint::parse("203.0.113.10:5060");
    for (const Side side : {Side::inside, Side::outside}) {
        End& own = end(side);
        // Some sequence numbers wrap within the connection.
        const auto initial =
            static_cast<std::uint32_t>(dice_.one_in(2) ? dice_.roll() : 0xffffff00 + dice_.below(255));
        own.host.emplace(own.endpoint, end(side == Side::inside ? Side::outside : Side::inside).endpoint,
                         initial, kind(dice_), dice_);
    }
    if (!dice_.one_in(3)) loss_ = 8 + dice_.below(30);
    if (dice_.one_in(2)) repetition_ = 5 + dice_.below(30);
    if (dice_.one_in(2)) disorder_ = 3 + dice_.below(20);
    restarts_ = dice_.one_in(4);
    contact_inside_ = phone_.endpoint.address.text() + ":5060";
    contact_public_ = router.text() + ":5060";
}

void Connection::say(Side from, const std::string& sent, const std::string& heard) {
    end(from).host->say(sent);
    end(from == Side::inside ? Side::outside : Side::inside).expected += heard;
}

void Connection::message(Side from) {
    if (messages_ > 0 && dice_.one_in(5)) {
        const std::string pings = dice_.one_in(2) ? "\r\n\r\n" : "\r\n";
        return say(from, pings, pings);
    }
    const std::string id = std::to_string(++messages_);
    std::string filler;
    if (dice_.one_in(3))
        filler = "X-Filler: " + std::string(dice_.below(dice_.one_in(8) ? 30000 : 900), 'f') + "\r\n";
    std::string routes;
    for (std::size_t i = dice_.below(4); i > 0; --i)
        routes += "Record-Route: <sip:@;transport=tcp;lr>\r\n";
    const std::string body(dice_.one_in(2) ? dice_.below(3000) : 0, 'b');
    const std::string via = from == Side::inside ? "@" : "203.0.113.10:5060";
    const std::string uri = from == Side::inside ? "sip:peer@203.0.113.10" : "sip:phone@@;transport=tcp";
    const std::string contact =
        from == Side::inside ? "Contact: <sip:phone@@;transport=tcp>\r\n" + routes : std::string();
    const std::string text = "MESSAGE " + uri + " SIP/2.0\r\nVia: SIP/2.0/TCP " + via + ";branch=z9hG4bK" +
                             id + "\r\nFrom: <sip:a@b.test>;tag=1\r\nTo: <sip:c@d.test>\r\nCall-ID: " + id +
                             filler.substr(0, 0) + "\r\nCSeq: 1 MESSAGE\r\n" + contact + filler +
                             "Content-Type: text/plain\r\nContent-Length: " + std::to_string(body.size()) +
                             "\r\n\r\n" + body;
    // "@@" in URIs is the user's separator and the place of the address.
    const auto with = [&](const std::string& address) {
        return replaced(
            replaced(replaced(text, "@@", "\1"), "Via: SIP/2.0/TCP @", "Via: SIP/2.0/TCP " + address),
            "sip:@", "sip:" + address);
    };
    const std::string inside = replaced(with(contact_inside_), "\1", "@" + contact_inside_);
    const std::string outside = replaced(with(contact_public_), "\1", "@" + contact_public_);
    if (from == Side::inside)
        say(from, inside, outside);
    else
        say(from, outside, inside);
}

void Connection::emit(Side from, Packet packet) {
    if (packet.empty() || (loss_ && dice_.one_in(loss_))) return;
    auto& line = end(from).to_router;
    if (repetition_ && dice_.one_in(repetition_)) line.push_back(packet);
    line.push_back(std::move(packet));
    if (disorder_ && line.size() > 1 && dice_.one_in(disorder_))
        std::swap(line.back(), line[dice_.below(line.size())]);
}

void Connection::carry(const Output& output) {
    Side from = output.from;
    Packet packet;
    if (output.kind == Output::Kind::inject) {
        packet = output.bytes;
    } else {
        const auto held = held_.find(output.token);
        if (held == held_.end()) throw std::runtime_error("a verdict on a packet that has one");
        from = held->second.first;
        packet = output.kind == Output::Kind::pass ? held->second.second : output.bytes;
        held_.erase(held);
        if (output.kind == Output::Kind::drop) return;
    }
    if (loss_ && dice_.one_in(loss_)) return;
    auto& line = end(from == Side::inside ? Side::outside : Side::inside).from_router;
    if (repetition_ && dice_.one_in(repetition_)) line.push_back(packet);
    line.push_back(std::move(packet));
    if (disorder_ && line.size() > 1 && dice_.one_in(disorder_))
        std::swap(line.back(), line[dice_.below(line.size())]);
}

void Connection::arrive(Side from, const Packet& packet) {
    held_[++token_] = {from, packet};
    Arrival arrival;
    arrival.from = from;
    arrival.read(held_[token_].second);
    arrival.egress = {router, router};
    arrival.token = token_;
    arrival.established = from == Side::outside;
    arrival.checksum_unverified = true;
    if (!can_group(state_, arrival)) {
        settle();
        return decide_alone(arrival);
    }
    decide_in_group(arrival);
    if (dice_.one_in(3)) settle();
}

void Connection::decide_alone(Arrival arrival) {
    inspect(state_, arrival, now_, decision_);
    if (!decision_.asked.empty()) {
        state_.cancel();
        arrival.answered = true;
        inspect(state_, arrival, now_, decision_);
    }
    kernel_.put_in_force(state_, decision_.changes, now_);
    if (decision_.stream) conclude(state_, true, now_, decision_);
    carry_all(arrival, decision_);
}

void Connection::decide_in_group(const Arrival& arrival) {
    auto& [again, decision] = group_.emplace_back(arrival, Decision());
    inspect_in_group(state_, arrival, now_, decision);
    again.again = true;
    if (!decision.asked.empty()) throw std::runtime_error("a message asks");
}

// Law 4: the kernel refuses some groups as a whole, and then accepts each packet alone.
void Connection::settle() {
    const auto group = std::exchange(group_, {});
    std::vector<Change> changes;
    for (const auto& [arrival, decision] : group)
        changes.insert(changes.end(), decision.changes.begin(), decision.changes.end());
    if (!changes.empty() && dice_.one_in(3)) kernel_.refuse();
    const bool in_force = kernel_.put_in_force(state_, changes, now_);
    for (const auto& [arrival, decision] : group)
        if (in_force)
            carry_all(arrival, decision);
        else
            decide_alone(arrival);
}

void Connection::carry_all(const Arrival& arrival, const Decision& decision) {
    if (!decision.stream) return carry({Output::Kind::pass, arrival.token, {}, arrival.from, {}});
    for (const Output& output : decision.outputs)
        carry(output);
}

void Connection::deliver(Side to) {
    End& own = end(to);
    const Packet packet = std::move(own.from_router.front());
    own.from_router.pop_front();
    std::vector<Packet> answers;
    own.host->hear(packet, answers);
    for (Packet& answer : answers)
        emit(to, std::move(answer));
}

void Connection::expire() {
    while (const auto due = state_.next_deadline()) {
        if (*due > now_) return;
        sipalg::expire(state_, now_, decision_);
        kernel_.put_in_force(state_, decision_.changes, now_);
        conclude(state_, true, now_, decision_);
        for (const Output& output : decision_.outputs)
            carry(output);
    }
}

void Connection::advance(Time by) {
    settle();
    now_ += by;
    expire();
}

// The daemon is killed and started again: the kernel drops queued packets, and the daemon restores the
// records.
void Connection::restart() {
    // A connection without changes is not read again.
    const auto& all = kernel_.elements();
    if (std::none_of(all.begin(), all.end(),
                     [](const auto& entry) { return std::holds_alternative<Record>(entry.first); }))
        return;
    held_.clear();
    group_.clear();
    const std::vector<StoredElement> elements = kernel_.read(now_);
    stored_.emplace(policy());
    const auto changes = state_.restore(
        elements, [](const Address& address) { return address; }, now_);
    kernel_.apply(changes, now_);
}

bool Connection::quiet() const {
    if (!group_.empty()) return false;
    for (const End* own : {&phone_, &peer_})
        if (!own->to_router.empty() || !own->from_router.empty()) return false;
    return true;
}

void Connection::move() {
    const Side side = dice_.one_in(2) ? Side::inside : Side::outside;
    End& own = end(side);
    switch (dice_.below(6)) {
        case 0:
        case 1:
            if (!own.to_router.empty()) {
                const Packet packet = std::move(own.to_router.front());
                own.to_router.pop_front();
                arrive(side, packet);
            }
            break;
        case 2:
        case 3:
            if (!own.from_router.empty()) deliver(side);
            break;
        case 4: emit(side, own.host->next()); break;
        case 5:
            own.host->read();
            if (dice_.one_in(4)) emit(side, own.host->update());
            if (dice_.one_in(3)) advance(Time{1 + static_cast<Time::rep>(dice_.below(4))});
            break;
        default: break;
    }
    if (dice_.one_in(20)) settle();
    if (quiet() && dice_.one_in(4)) {
        advance(Time{30});
        if (quiet()) {
            advance(Time{170});
            for (const Side any : {Side::inside, Side::outside})
                emit(any, end(any).host->again());
        }
    }
}

std::string Connection::check() const {
    for (const End* own : {&phone_, &peer_}) {
        // On a line that keeps the order, a segment that is older than the previous one was reordered by the
        // router.
        if (!disorder_ && !repetition_ && own->host->outdated())
            return own->endpoint.text() + " heard a segment that is older than the one before";
        const std::string& heard = own->host->heard();
        if (own->expected.compare(0, heard.size(), heard) == 0) continue;
        const auto apart =
            std::mismatch(heard.begin(), heard.end(), own->expected.begin(), own->expected.end());
        const auto at = static_cast<std::size_t>(apart.first - heard.begin());
        const std::size_t from = at < 30 ? 0 : at - 30;
        return own->endpoint.text() + " heard something else from byte " + std::to_string(at) +
               ":\n  heard  " + heard.substr(from, 90) + "\n  wanted " + own->expected.substr(from, 90);
    }
    return {};
}

std::optional<std::string> Connection::play() {
    try {
        emit(Side::inside, phone_.host->syn());
        message(Side::inside);
        std::size_t rounds = 1 + dice_.below(8);
        for (std::size_t steps = 0; steps < 60000; ++steps) {
            move();
            if (const std::string wrong = check(); !wrong.empty()) return wrong;
            // Bytes that were acknowledged locally are lost with the daemon.
            if (phone_.host->was_reset() || peer_.host->was_reset())
                return restarts_ ? std::nullopt : std::optional<std::string>("a reset that nobody asked for");
            if (steps > 50 && steps % 200 == 0 && !phone_.host->is_open())
                emit(Side::inside, phone_.host->syn());
            const bool said =
                peer_.host->heard() == peer_.expected && phone_.host->heard() == phone_.expected;
            if (said && !peer_.expected.empty() && rounds > 0) {
                if (restarts_ && dice_.one_in(2)) restart();
                --rounds;
                for (std::size_t i = dice_.below(4); i > 0; --i)
                    message(Side::inside);
                for (std::size_t i = dice_.below(3); i > 0; --i)
                    message(Side::outside);
                if (rounds == 0) {
                    phone_.host->close();
                    peer_.host->close();
                }
            }
            if (restarts_ && dice_.one_in(2000)) restart();
            if (rounds == 0 && phone_.host->finished() && peer_.host->finished() &&
                phone_.host->heard_end() && peer_.host->heard_end()) {
                if (!said) return "the end came before all was said";
                advance(Time{600'000});
                advance(Time{600'000});
                // A daemon that was killed between the last segments does not know that the connection has
                // ended.
                if (restarts_) return std::nullopt;
                if (!state_.connections.all().empty()) return "the connection is not forgotten";
                for (const auto& [element, until] : kernel_.elements())
                    if (std::holds_alternative<SequenceMapped>(element) ||
                        std::holds_alternative<Record>(element))
                        return "the kernel still has something of the connection";
                if (!held_.empty()) return std::to_string(held_.size()) + " packets without a verdict";
                return std::nullopt;
            }
        }
    } catch (const std::exception& error) {
        return error.what();
    }
    return "it never ended: phone heard " + std::to_string(phone_.host->heard().size()) + " of " +
           std::to_string(phone_.expected.size()) + ", peer " + std::to_string(peer_.host->heard().size()) +
           " of " + std::to_string(peer_.expected.size());
}

}  // namespace sipalg::test
