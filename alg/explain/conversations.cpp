#include "alg/explain/conversations.hpp"

#include <algorithm>
#include <utility>
#include <variant>
#include <vector>

namespace sipalg::explain {

namespace {

constexpr std::size_t most_notes = 100, most_hosts = 16;

void note_parties(Conversation& conversation, const facts::Message& message) {
    using Kind = Conversation::Kind;
    if (message.method == "INVITE") conversation.kind = Kind::call;
    if (message.method == "REGISTER" && conversation.kind == Kind::other)
        conversation.kind = Kind::registration;
    const auto note_host = [](std::vector<Address>& all, const Address& one) {
        if (all.size() < most_hosts && std::find(all.begin(), all.end(), one) == all.end())
            all.push_back(one);
    };
    note_host(conversation.phones, message.seen.phone.address);
    note_host(conversation.peers, message.seen.peer.address);
}

void follow(Conversation& conversation, const facts::PinholeChange& change, double at_s) {
    const auto same = [&](const PinholeLife& life) {
        return !life.closed_s && life.pinhole.pinhole == change.pinhole.pinhole;
    };
    auto& lives = conversation.pinholes;
    const auto it = std::find_if(lives.begin(), lives.end(), same);
    if (it == lives.end())
        lives.push_back({change.pinhole, at_s, {}, 0, 0, 0});
    else
        it->pinhole = change.pinhole;
    if (change.kind == facts::PinholeChange::Kind::closed && it != lives.end()) it->closed_s = at_s;
}

}  // namespace

void Conversations::add(facts::Fact fact, std::uint64_t frame, double at_s) {
    Conversation* conversation = nullptr;
    if (auto* message = std::get_if<facts::Message>(&fact.what)) {
        ++result_.messages;
        if (message->method.empty()) {
            ++result_.others[std::string(word(message->seen.reason))];
            current_.clear();
            const Reason reason = message->seen.reason;
            if (reason == Reason::malformed || reason == Reason::truncated ||
                reason == Reason::too_many_headers)
                note("frame " + std::to_string(frame) + ": " + std::string(sentence(reason)));
            return;
        }
        current_ = message->call_id;
        conversation = &find_or_make(*message);
        note_parties(*conversation, *message);
    } else if (const auto* change = std::get_if<facts::PinholeChange>(&fact.what)) {
        conversation = find(change->call_id);
        if (conversation) follow(*conversation, *change, at_s);
    } else {
        const auto& event = std::get<Event>(fact.what);
        conversation = find(event.subject);
        if (!conversation && frame != 0) conversation = find(current_);
        if (!conversation)
            note(std::string(facts::word(event.kind)) + " " + event.subject + ": " + event.detail);
    }
    if (conversation) conversation->entries.push_back({at_s, frame, std::move(fact)});
}

Conversation* Conversations::find(const std::string& call_id) {
    const auto it = by_call_id_.find(call_id);
    return it == by_call_id_.end() ? nullptr : &result_.conversations[it->second];
}

Conversation& Conversations::find_or_make(const facts::Message& message) {
    if (Conversation* known = find(message.call_id)) return *known;
    by_call_id_.emplace(message.call_id, result_.conversations.size());
    Conversation& made = result_.conversations.emplace_back();
    made.call_id = message.call_id;
    made.from = message.from;
    made.to = message.to;
    return made;
}

void Conversations::note(std::string text) {
    if (result_.notes.size() < most_notes) result_.notes.push_back(std::move(text));
}

}  // namespace sipalg::explain
