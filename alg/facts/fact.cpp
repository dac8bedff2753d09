#include "alg/facts/fact.hpp"

#include <algorithm>

#include "alg/sip/message.hpp"

namespace sipalg::facts {

namespace {

// The reason phrase of a status line (RFC 3261 7.2).
std::string_view phrase_of(std::string_view bytes) {
    const std::size_t begin = bytes.find("SIP/2.0 ");
    if (begin == std::string_view::npos) return {};
    std::string_view line = bytes.substr(begin);
    line = line.substr(0, line.find_first_of("\r\n"));
    constexpr std::size_t before = sizeof "SIP/2.0 200 " - 1;
    return line.size() > before ? line.substr(before, 80) : std::string_view();
}

}  // namespace

std::string Message::title() const {
    if (method.empty()) return std::string(sipalg::word(seen.reason));
    if (status == 0) return method;
    return std::to_string(status) + (phrase.empty() ? "" : " " + phrase);
}

Message describe(SeenMessage seen) {
    Message result;
    result.seen = std::move(seen);
    sip::Message message;
    if (message.parse(result.seen.before) != sip::ParseError::none) return result;
    result.method = message.method_name();
    result.status = message.status();
    if (result.status != 0) result.phrase = phrase_of(message.head());
    result.call_id = message.call_id();
    result.cseq = message.cseq().number;
    result.from = message.from_uri();
    result.to = message.to_uri();
    return result;
}

std::string_view word(PinholeChange::Kind kind) {
    switch (kind) {
        case PinholeChange::Kind::opened: return "opened";
        case PinholeChange::Kind::changed: return "changed";
        case PinholeChange::Kind::closed: return "closed";
    }
    return "";
}

std::string_view word(Event::Kind kind) {
    switch (kind) {
        case Event::Kind::call_offered: return "call_offered";
        case Event::Kind::call_answered: return "call_answered";
        case Event::Kind::call_ended: return "call_ended";
        case Event::Kind::media_missing: return "media_missing";
        case Event::Kind::media_latched: return "media_latched";
        case Event::Kind::registered: return "registered";
        case Event::Kind::unregistered: return "unregistered";
        case Event::Kind::renumbered: return "renumbered";
        case Event::Kind::sip_found: return "sip_found";
        case Event::Kind::unreachable_phone: return "not_listening";
        case Event::Kind::listens_elsewhere: return "listens_elsewhere";
        case Event::Kind::peer_handles_nat: return "peer_handles_nat";
        case Event::Kind::phone_handles_nat: return "phone_handles_nat";
        case Event::Kind::body_sealed: return "body_sealed";
    }
    return "event";
}

}  // namespace sipalg::facts
