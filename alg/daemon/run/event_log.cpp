#include "alg/daemon/run/event_log.hpp"

#include <algorithm>
#include <string_view>

#include "alg/base/escape.hpp"
#include "alg/daemon/config/log.hpp"
#include "alg/facts/fact.hpp"
#include "alg/facts/mask.hpp"

namespace sipalg::daemon {

namespace {

using Kind = Event::Kind;

constexpr std::size_t longest_subject = 120;  // in a log line; `sipalgctl calls` shows the whole Call-ID

struct Row {
    Kind kind;
    std::string_view name;
    std::string_view message_id;
};

constexpr std::array rows{
    Row{Kind::call_offered, "call offered", "d22b8d3390694e3184bdb0b5b6b7668d"},
    Row{Kind::call_answered, "call answered", "470325e777514c4795313b34d8340852"},
    Row{Kind::call_ended, "call ended", "d063d8f950a14b249ba3982734d1a14a"},
    Row{Kind::media_missing, "one-way media", "8aa9aaeb94e745509b7320a59761fbb9"},
    Row{Kind::media_latched, "media latched", "3c2d9b238e7d4705b592c0aed5359ff3"},
    Row{Kind::registered, "registered", "2594080755384dbfad25dcc55a7b368a"},
    Row{Kind::unregistered, "unregistered", "2f41b11b0da74fa9a6e16ec20c889d03"},
    Row{Kind::renumbered, "address changed", "8c1e0504812a4b698cacb1a7c324e9b1"},
    Row{Kind::sip_found, "SIP found", "4008fc1713c14a82b93cb88b38e65129"},
    Row{Kind::unreachable_phone, "static phone not reachable", "0ed271aa19f44ea684d09fac602f05fd"},
    Row{Kind::peer_handles_nat, "peer handles NAT itself", "220a96b863aa48dbae51e100949a6b6a"},
    Row{Kind::phone_handles_nat, "phone handles NAT itself", "147b6b1747694ca6941925c61e962498"},
    Row{Kind::listens_elsewhere, "phone listens at another port", "67e682258b044fa18a8c1a357e49db13"},
    Row{Kind::body_sealed, "body not rewritten", "296ed76d3bb048b08b305fcc4952e263"},
};

constexpr bool is_complete() {
    for (std::size_t i = 0; i < rows.size(); ++i)
        if (static_cast<std::size_t>(rows[i].kind) != i) return false;
    return rows.size() == event_kinds;
}
static_assert(is_complete());

const Row& row_of(Kind kind) {
    return rows[static_cast<std::size_t>(kind)];
}

std::string duration(Time time) {
    const auto seconds = std::max<std::int64_t>(0, std::chrono::duration_cast<Seconds>(time).count());
    const auto part = [](std::int64_t value, const char* unit) { return std::to_string(value) + unit; };
    if (seconds < 60) return part(seconds, "s");
    if (seconds < 3600) return part(seconds / 60, "m") + part(seconds % 60, "s");
    return part(seconds / 3600, "h") + part(seconds % 3600 / 60, "m");
}

std::string amount(const EndedMedia& media, std::uint64_t packets) {
    if (packets == 0) return "nothing";
    if (media.known == EndedMedia::Known::presence) return "packets";
    return std::to_string(packets) + (packets == 1 ? " packet" : " packets");
}

}  // namespace

std::string summary(const EndedCall& call) {
    if (call.answered == Time{0}) return "rang for " + duration(call.ended - call.started);
    std::string text = "lasted " + duration(call.ended - call.answered);
    for (const EndedMedia& media : call.media) {
        text += "; " + escape(media.type) + ": ";
        if (media.known == EndedMedia::Known::nothing)
            text += "not measured";
        else
            text += amount(media, media.sent) + " from the phone, " + amount(media, media.received) +
                    " from the peer";
    }
    return text;
}

LogLine event_line(const Event& event, const char* before, bool mask_numbers) {
    const Row& row = row_of(event.kind);
    const std::string_view subject = std::string_view(event.subject).substr(0, longest_subject);
    LogLine line;
    line.level = event.kind == Kind::body_sealed ? LogLevel::warning : LogLevel::info;
    line.text = std::string(before) + std::string(row.name) + ": " + escape(subject) + ": " +
                escape(event.detail) + (event.ended ? "; " + summary(*event.ended) : "");
    if (mask_numbers) line.text = facts::mask_numbers(line.text);
    line.fields.event = facts::word(event.kind);
    line.fields.message_id = row.message_id;
    const bool of_call = event.kind <= Kind::media_latched || event.kind == Kind::body_sealed;
    if (of_call) line.fields.call_id = subject;
    if (event.phone) line.fields.phone = event.phone.text();
    if (event.peer) line.fields.peer = event.peer.text();
    if (event.ended) line.fields.reason = word(event.ended->why);
    return line;
}

void EventLog::write(std::span<const Event> events, const char* before, Time now) {
    for (const Event& event : events) {
        RateLimit& limit = limits_[static_cast<std::size_t>(event.kind)];
        if (!limit.allow(now)) continue;
        if (const auto refused = limit.take_refused())
            log::warning("{} log lines \"{}\" suppressed by the rate limit", refused,
                         row_of(event.kind).name);
        log::write(event_line(event, before, mask_));
    }
}

}  // namespace sipalg::daemon
