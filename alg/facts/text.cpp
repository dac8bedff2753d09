#include "alg/facts/text.hpp"

#include "alg/base/escape.hpp"

namespace sipalg::facts {

namespace {

constexpr std::size_t longest_call_id = 120, longest_text = 60, most_changes = 16;

std::string cut(std::string_view text, std::size_t most) {
    return escape(text.substr(0, most)) + (text.size() > most ? "..." : "");
}

}  // namespace

std::string line(const Message& message) {
    const SeenMessage& seen = message.seen;
    std::string text = cut(message.title(), longest_text) + " " + std::string(name(seen.transport)) + " " +
                       seen.phone.text() + (seen.from == Side::inside ? " -> " : " <- ") + seen.peer.text();
    if (!message.call_id.empty()) text += ", Call-ID " + cut(message.call_id, longest_call_id);
    text += ": " + std::string(sipalg::word(seen.reason));
    std::size_t count = 0;
    for (const Explained& place : seen.places) {
        if (place.kept != rewrite::Kept::changed || place.offset > seen.before.size()) continue;
        if (++count > most_changes) return text + ", ...";
        text += (count == 1 ? "; " : ", ") + std::string(rewrite::name(place.place)) + " " +
                cut(std::string_view(seen.before).substr(place.offset, place.length), longest_text) + " => " +
                cut(place.text, longest_text) + " (" + std::string(rewrite::rule(place.place)) + ")";
    }
    return text;
}

}  // namespace sipalg::facts
