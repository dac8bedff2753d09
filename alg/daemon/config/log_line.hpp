// A line of the log, and its forms: text, JSON, and the datagram of systemd-journald.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sipalg::daemon {

enum class LogLevel : std::uint8_t { error, warning, info, debug };
std::string_view name(LogLevel level);
std::optional<LogLevel> parse_log_level(std::string_view text);

enum class LogFormat : std::uint8_t { text, json };
std::string_view name(LogFormat format);
std::optional<LogFormat> parse_log_format(std::string_view text);

/// The subject of a line, for programs that search the log. An empty field is left out.
struct LogFields {
    std::string_view event;       ///< word of the event, "call_ended"
    std::string_view message_id;  ///< journald's MESSAGE_ID of that event: 32 hexadecimal digits
    std::string call_id, phone, peer;
    std::string_view reason;  ///< why a call ended
};

struct LogLine {
    LogLevel level = LogLevel::info;
    std::string text;  ///< without line ends; text from the network is escaped
    LogFields fields;
};

/// syslog(3)'s number: 3, 4, 6 or 7.
int priority(LogLevel level);
/// "2026-11-30T09:15:02.250+0100 info: TEXT", in local time.
std::string with_time(const LogLine& line, std::chrono::system_clock::time_point now);
/// {"time": RFC 3339 in UTC with milliseconds, "level", "message", and the fields that are not empty}. ASCII.
std::string as_json(const LogLine& line, std::chrono::system_clock::time_point now);
/// journald's native protocol (<https://systemd.io/JOURNAL_NATIVE_PROTOCOL>): MESSAGE is `message`, the
/// fields are SIPALG_EVENT, SIPALG_CALL_ID, SIPALG_PHONE, SIPALG_PEER, SIPALG_REASON and MESSAGE_ID.
std::string as_journal_datagram(const LogLine& line, std::string_view message);

}  // namespace sipalg::daemon
