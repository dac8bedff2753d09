// The steps of a run.
#include <algorithm>

#include "tests/model/setting.hpp"

namespace sipalg::model {

namespace {

constexpr int max_calls = 5;  // alive at once

}  // namespace

World::World(bool told) : told_(told) {
    contact_ = register_phone(phones[0], 1, registration_s);
    reference_.register_at(phones[0].address, peers[0].address);
}

void World::tell(const std::string& line) {
    if (!told_) return;
    std::string time = std::to_string((now_.count() - 1'000'000) / 10);
    while (time.size() < 3)
        time.insert(0, "0");
    time.insert(time.size() - 2, ".");
    if (time.size() < 9) time.insert(0, 9 - time.size(), ' ');
    ladder_.push_back(time + "  " + line);
}

bool World::play(const Step& step) {
    Dice dice(step.seed);
    const bool done = [&] {
        switch (step.kind) {
            case Kind::begin: return begin(dice);
            case Kind::carry: return carry(dice);
            case Kind::late: return deliver_late(dice);
            case Kind::repeat: return repeat(dice);
            case Kind::ring: return act(Act::ring, dice);
            case Kind::accept: return act(Act::accept, dice);
            case Kind::decline: return act(Act::decline, dice);
            case Kind::retry: return act(Act::retry, dice);
            case Kind::cancel: return act(Act::cancel, dice);
            case Kind::prack: return act(Act::prack, dice);
            case Kind::reply: return act(Act::reply, dice);
            case Kind::update: return act(Act::update, dice);
            case Kind::reinvite: return act(Act::reinvite, dice);
            case Kind::bye: return act(Act::bye, dice);
            case Kind::stranger: return stranger(dice);
            case Kind::clock:
                advance(Time{
                    dice.of(std::array{100, 200, 500, 500, 500, 1000, 1000, 2000, 2000, 3000, 10'000, 20'000,
                                       33'000, 33'000, 100'000, 201'000, 310'000, 700'000, 1'300'000})});
                return true;
            case Kind::restart: return restart(dice);
            case Kind::talk: return talk(dice);
        }
        return false;
    }();
    collect();
    if (done) check();
    return done;
}

Conversation* World::conversation(int number) {
    const auto found = conversations_.find(number);
    return found == conversations_.end() ? nullptr : found->second.get();
}

bool World::begin(Dice& dice) {
    int alive = 0;
    for (const auto& [number, conversation] : conversations_)
        if (reference_.alive(number)) ++alive;
    if (alive >= max_calls) return false;
    const bool in = dice.one_in(2);
    const Conversation::Ends ends{in ? Side::outside : Side::inside, in ? phones[0] : dice.of(phones),
                                  peers[0], peers[1], contact_};
    const int number = ++calls_;
    reference_.introduce(number, ends.caller, ends.phone);
    conversations_[number] = std::make_unique<Conversation>(number, ends, post_);
    conversations_[number]->begin(dice, now_);
    while (conversations_.size() > 8 && !reference_.alive(conversations_.begin()->first))
        conversations_.erase(conversations_.begin());
    return true;
}

bool World::act(Act act, Dice& dice) {
    if (conversations_.empty()) return false;
    const std::size_t first = dice.below(conversations_.size());
    for (std::size_t i = 0; i < conversations_.size(); ++i) {
        auto which = conversations_.begin();
        std::advance(which, static_cast<std::ptrdiff_t>((first + i) % conversations_.size()));
        if (which->second->act(act, dice, now_)) return true;
    }
    return false;
}

void World::collect() {
    for (Message& message : post_.outbox)
        flight_.push_back(std::move(message));
    post_.outbox.clear();
}

// Messages are reordered a little, and are lost before the router, in it, or after it.
bool World::carry(Dice& dice) {
    if (flight_.empty()) return false;
    const std::size_t which = dice.one_in(8) ? dice.below(std::min<std::size_t>(flight_.size(), 4)) : 0;
    Message message = flight_[which];
    flight_.erase(flight_.begin() + static_cast<std::ptrdiff_t>(which));
    if (dice.one_in(20)) {
        tell("lost before the router: " + shown(message));
        return true;
    }
    if (!pass(message, dice.one_in(40))) return true;
    if (dice.one_in(20)) {
        tell("    lost behind the router");
    } else if (dice.one_in(10)) {
        tell("    is late");
        behind_.push_back(message);
    } else {
        deliver(message, dice);
    }
    return true;
}

bool World::deliver_late(Dice& dice) {
    if (behind_.empty()) return false;
    const std::size_t which = dice.below(behind_.size());
    const Message message = behind_[which];
    behind_.erase(behind_.begin() + static_cast<std::ptrdiff_t>(which));
    tell("    arrives: " + shown(message));
    deliver(message, dice);
    return true;
}

void World::deliver(const Message& message, Dice& dice) {
    if (Conversation* of = conversation(message.call)) of->receive(message, dice, now_);
}

bool World::repeat(Dice& dice) {
    if (history_.empty()) return false;
    const std::size_t back = dice.below(std::min<std::size_t>(history_.size(), 16));
    const Message& message = history_[history_.size() - 1 - back];
    if (message.sent_at + retransmission_time <= now_) return false;
    // An adopted call cannot recognise older requests.
    if (message.fork >= 0 && !message.followed) return false;
    flight_.insert(flight_.begin(), message);
    return true;
}

// X4, X3: a message that resembles one of the call, but comes from another host or has other tags.
bool World::stranger(Dice& dice) {
    if (history_.empty()) return false;
    const std::size_t back = dice.below(std::min<std::size_t>(history_.size(), 16));
    Message message = history_[history_.size() - 1 - back];
    if (message.from != Side::outside || (message.is_request() && message.fork < 0)) return false;
    std::string text = message.text;
    if (dice.one_in(2)) {
        message.source = *Endpoint::parse("203.0.113.66:5060");
    } else {
        const std::size_t at =
            text.find(";tag=c") == std::string::npos ? text.find(";tag=f") : text.find(";tag=c");
        if (at == std::string::npos) return false;
        text.insert(at + 5, "no");
    }
    if (message.is_request() && dice.one_in(2))
        for (std::size_t at = text.find(message.method); at != std::string::npos;
             at = text.find(message.method, at + 3))
            text.replace(at, message.method.size(), "BYE");
    tell("stranger " + message.source.address.text() + " says: " + shown(message));
    inspected(message.from, message.source, message.destination, text);
    put_in_force();
    return true;
}

bool World::talk(Dice& dice) {
    if (conversations_.empty()) return false;
    auto which = conversations_.begin();
    std::advance(which, static_cast<std::ptrdiff_t>(dice.below(conversations_.size())));
    bool& silent = silent_[which->first];
    silent = !silent;
    tell("call " + std::to_string(which->first) + (silent ? " has no media any more" : " has media again"));
    return true;
}

// The daemon is killed. Until the next one starts, messages in both directions are lost.
bool World::restart(Dice& dice) {
    const Time gone{dice.of(std::array{0, 100, 3000, 20'000})};
    tell("the daemon is killed; another begins after " + std::to_string(gone.count()) + " ms");
    if (gone > Time{1000}) flight_.clear(), behind_.clear();
    // Nothing of an ended call is kept, so a late repetition would begin a call, which its answer would end
    // again.
    const auto is_forgotten = [&](const Message& message) {
        return !message.got.empty() && !reference_.alive(message.call);
    };
    std::erase_if(history_, is_forgotten);
    std::erase_if(flight_, is_forgotten);
    // Ports that were only reserved for retransmissions are not in the kernel.
    for (std::vector<Message>* messages : {&history_, &flight_})
        for (Message& message : *messages)
            message.comparable = false;
    now_ += gone;
    kernel_.expire(now_);
    start(stored_);
    kernel_.apply(state_.restore(
                      kernel_.read(now_), [](const Address&) { return wan; }, now_),
                  now_);
    check_kept_mappings();
    reference_.restart(now_);
    now_ += Time{1};  // handle the deadlines that have passed in the meantime
    expire_due();
    reference_.time_passes(now_);
    return true;
}

// A5: what the earlier daemon kept for later calls is gone. A mapping that also a message outside of a call
// has used could be one of signalling, so it stays until its timeout.
void World::check_kept_mappings() {
    for (const auto& [element, until] : kernel_.elements()) {
        const auto* mapping = std::get_if<Mapping>(&element);
        if (!mapping) continue;
        if (const auto left_over = left_over_.find(mapping->inside); left_over != left_over_.end())
            left_over->second = until;
        else if (unused_since_.contains(mapping->inside))
            throw std::runtime_error("A5: still mapped after a restart: " + mapping->inside.text());
    }
    unused_since_.clear();
}

}  // namespace sipalg::model
