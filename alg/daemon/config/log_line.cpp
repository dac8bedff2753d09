#include "alg/daemon/config/log_line.hpp"

#include <fmt/format.h>
#include <syslog.h>

#include <array>
#include <ctime>
#include <nlohmann/json.hpp>
#include <utility>

namespace sipalg::daemon {

namespace {

constexpr std::array<std::pair<LogLevel, std::string_view>, 4> levels{{
    {LogLevel::error, "error"},
    {LogLevel::warning, "warning"},
    {LogLevel::info, "info"},
    {LogLevel::debug, "debug"},
}};

constexpr std::array<std::pair<LogFormat, std::string_view>, 2> formats{{
    {LogFormat::text, "text"},
    {LogFormat::json, "json"},
}};

template <class Names>
auto find(const Names& names, std::string_view text) -> std::optional<decltype(names.front().first)> {
    for (const auto& [value, word] : names)
        if (word == text) return value;
    return std::nullopt;
}

/// Calls `each` with the name in JSON, the name in the journal and the value of each field that is not empty.
template <class Each>
void each_field(const LogFields& fields, Each each) {
    const auto give = [&](const char* json, const char* journal, std::string_view value) {
        if (!value.empty()) each(json, journal, value);
    };
    give("event", "SIPALG_EVENT", fields.event);
    give("call_id", "SIPALG_CALL_ID", fields.call_id);
    give("phone", "SIPALG_PHONE", fields.phone);
    give("peer", "SIPALG_PEER", fields.peer);
    give("reason", "SIPALG_REASON", fields.reason);
}

std::string calendar(const std::tm& parts, const char* format) {
    char text[40];
    return std::string(text, std::strftime(text, sizeof text, format, &parts));
}

long long milliseconds(std::chrono::system_clock::time_point now) {
    const auto since = std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch());
    return since.count() % 1000;
}

// A value with a line end needs the form with a length, 64 bits with the lowest byte first.
void put_field(std::string& datagram, std::string_view name, std::string_view value) {
    datagram += name;
    if (value.find('\n') == std::string_view::npos) {
        datagram += '=';
    } else {
        datagram += '\n';
        for (unsigned shift = 0; shift < 64; shift += 8)
            datagram += static_cast<char>(std::uint64_t{value.size()} >> shift & 255);
    }
    datagram += value;
    datagram += '\n';
}

}  // namespace

std::string_view name(LogLevel level) {
    return levels[static_cast<std::size_t>(level)].second;
}

std::optional<LogLevel> parse_log_level(std::string_view text) {
    return find(levels, text);
}

std::string_view name(LogFormat format) {
    return formats[static_cast<std::size_t>(format)].second;
}

std::optional<LogFormat> parse_log_format(std::string_view text) {
    return find(formats, text);
}

int priority(LogLevel level) {
    switch (level) {
        case LogLevel::error: return LOG_ERR;
        case LogLevel::warning: return LOG_WARNING;
        case LogLevel::info: return LOG_INFO;
        case LogLevel::debug: return LOG_DEBUG;
    }
    return LOG_INFO;
}

std::string with_time(const LogLine& line, std::chrono::system_clock::time_point now) {
    const std::time_t seconds = std::chrono::system_clock::to_time_t(now);
    std::tm parts{};
    localtime_r(&seconds, &parts);
    return fmt::format("{}.{:03}{} {}: {}", calendar(parts, "%Y-%m-%dT%H:%M:%S"), milliseconds(now),
                       calendar(parts, "%z"), name(line.level), line.text);
}

std::string as_json(const LogLine& line, std::chrono::system_clock::time_point now) {
    const std::time_t seconds = std::chrono::system_clock::to_time_t(now);
    std::tm parts{};
    gmtime_r(&seconds, &parts);
    nlohmann::ordered_json json{
        {"time", fmt::format("{}.{:03}Z", calendar(parts, "%Y-%m-%dT%H:%M:%S"), milliseconds(now))},
        {"level", name(line.level)},
        {"message", line.text}};
    each_field(line.fields,
               [&](const char* field, const char*, std::string_view value) { json[field] = value; });
    return json.dump(-1, ' ', true, nlohmann::ordered_json::error_handler_t::replace);
}

std::string as_journal_datagram(const LogLine& line, std::string_view message) {
    std::string datagram;
    put_field(datagram, "MESSAGE", message);
    put_field(datagram, "PRIORITY", std::to_string(priority(line.level)));
    put_field(datagram, "SYSLOG_IDENTIFIER", "sipalgd");
    if (!line.fields.message_id.empty()) put_field(datagram, "MESSAGE_ID", line.fields.message_id);
    each_field(line.fields, [&](const char*, const char* field, std::string_view value) {
        put_field(datagram, field, value);
    });
    return datagram;
}

}  // namespace sipalg::daemon
