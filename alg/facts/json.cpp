#include "alg/facts/json.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

#include "alg/facts/mask.hpp"

namespace sipalg::facts {

namespace {

constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

std::string_view side(Side from) {
    return from == Side::inside ? "inside" : "outside";
}

Json kept_places(const SeenMessage& seen) {
    Json rows = Json::array();
    for (const Explained& place : seen.places) {
        if (place.kept == rewrite::Kept::changed) continue;
        rows.push_back({{"place", rewrite::name(place.place)},
                        {"rule", rewrite::rule(place.place)},
                        {"why", rewrite::word(place.kept)},
                        {"sentence", rewrite::sentence(place.kept)}});
        // Credentials are among the places that never change.
        if (place.place != rewrite::Place::fixed && place.offset <= seen.before.size())
            rows.back()["text"] = seen.before.substr(place.offset, place.length);
    }
    return rows;
}

Json message_json(const Message& message, const JsonOptions& options) {
    const SeenMessage& seen = message.seen;
    Json json{{"type", "message"},
              {"from", side(seen.from)},
              {"transport", name(seen.transport)},
              {"phone", seen.phone.text()},
              {"peer", seen.peer.text()},
              {"public", seen.public_endpoint.text()},
              {"title", message.title()},
              {"reason", sipalg::word(seen.reason)}};
    if (!message.method.empty()) {
        json["method"] = message.method;
        if (message.status != 0) json["status"] = message.status;
        json["call_id"] = message.call_id;
        json["cseq"] = message.cseq;
        json["from_uri"] = message.from;
        json["to_uri"] = message.to;
    }
    json["changes"] = changes_of(seen);
    if (options.kept) json["kept"] = kept_places(seen);
    if (options.bytes) {
        const auto shown = [&](const std::string& bytes) {
            return base64(options.credentials ? bytes : mask_credentials(bytes));
        };
        json["before"] = shown(seen.before);
        if (!seen.after.empty()) json["after"] = shown(seen.after);
    }
    return json;
}

Json pinhole_json(const PinholeChange& change) {
    const call::CallPinhole& one = change.pinhole;
    Json json{{"type", "pinhole"},
              {"what", word(change.kind)},
              {"proto", name(one.pinhole.transport)},
              {"public", one.shown.text()},
              {"inside", one.inside.text()},
              {"remote", one.pinhole.remote ? one.pinhole.remote.text() : "*"}};
    if (one.signalling) {
        json["media"] = "signalling";
    } else {
        json["media"] = one.type.text();
        json["component"] = one.rtcp ? "rtcp" : "rtp";
    }
    json["state"] = one.early ? "early" : one.latched ? "learned" : "open";
    json["call_id"] = change.call_id;
    return json;
}

}  // namespace

Json changes_of(const SeenMessage& seen) {
    Json rows = Json::array();
    for (const Explained& place : seen.places) {
        if (place.kept != rewrite::Kept::changed || place.offset > seen.before.size()) continue;
        rows.push_back({{"place", rewrite::name(place.place)},
                        {"rule", rewrite::rule(place.place)},
                        {"old", seen.before.substr(place.offset, place.length)},
                        {"new", place.text}});
    }
    return rows;
}

Json to_json(const Fact& fact, const JsonOptions& options) {
    Json json;
    if (const auto* message = std::get_if<Message>(&fact.what))
        json = message_json(*message, options);
    else if (const auto* change = std::get_if<PinholeChange>(&fact.what))
        json = pinhole_json(*change);
    else if (const auto* event = std::get_if<Event>(&fact.what))
        json = {{"type", "event"},
                {"event", word(event->kind)},
                {"subject", event->subject},
                {"detail", event->detail}};
    if (fact.observed) json["observed"] = true;
    return json;
}

std::string base64(std::string_view bytes) {
    std::string text;
    text.reserve((bytes.size() + 2) / 3 * 4);
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        const auto byte = [&](std::size_t at) {
            return at < bytes.size() ? std::uint32_t{static_cast<std::uint8_t>(bytes[at])} : 0U;
        };
        const std::uint32_t group = byte(i) << 16 | byte(i + 1) << 8 | byte(i + 2);
        text += digits[group >> 18];
        text += digits[group >> 12 & 63];
        text += i + 1 < bytes.size() ? digits[group >> 6 & 63] : '=';
        text += i + 2 < bytes.size() ? digits[group & 63] : '=';
    }
    return text;
}

std::optional<std::string> from_base64(std::string_view text) {
    if (text.size() % 4 != 0) return std::nullopt;
    std::string bytes;
    bytes.reserve(text.size() / 4 * 3);
    for (std::size_t i = 0; i < text.size(); i += 4) {
        std::uint32_t group = 0;
        std::size_t padding = 0;
        for (std::size_t k = 0; k < 4; ++k) {
            const char c = text[i + k];
            const std::size_t value = digits.find(c);
            const bool pads = c == '=' && i + 4 == text.size() && k >= 2;
            if (value == std::string_view::npos && !pads) return std::nullopt;
            if (value != std::string_view::npos && padding > 0) return std::nullopt;
            padding += pads ? 1 : 0;
            group = group << 6 | static_cast<std::uint32_t>(pads ? 0 : value);
        }
        bytes += static_cast<char>(group >> 16 & 255);
        if (padding < 2) bytes += static_cast<char>(group >> 8 & 255);
        if (padding < 1) bytes += static_cast<char>(group & 255);
    }
    return bytes;
}

}  // namespace sipalg::facts
