// The log of the daemon: its destination and its level.
#pragma once

#include <fmt/format.h>

#include <string>
#include <utility>

#include "alg/daemon/config/log_line.hpp"

namespace sipalg::daemon {

/// Sends the log to stderr; if that is the journal (JOURNAL_STREAM, systemd.exec(5)), to journald with
/// fields. A line that journald does not take at once goes to stderr with its priority. `journal`: its
/// socket.
void log_to_stderr(const std::string& journal = "/run/systemd/journal/socket");
/// Sends the log to syslog (facility daemon), for a detached daemon.
void log_to_syslog();
void set_log_level(LogLevel level);
void set_log_format(LogFormat format);

/// Writes lines at once. One thread.
namespace log {

/// Whether lines of this level are written.
bool writes(LogLevel level);
/// Writes the line if its level is enabled.
void write(const LogLine& line);

template <class... Values>
void at(LogLevel level, fmt::format_string<Values...> format, Values&&... values) {
    if (writes(level)) write({level, fmt::format(format, std::forward<Values>(values)...), {}});
}
template <class... Values>
void error(fmt::format_string<Values...> format, Values&&... values) {
    at(LogLevel::error, format, std::forward<Values>(values)...);
}
template <class... Values>
void warning(fmt::format_string<Values...> format, Values&&... values) {
    at(LogLevel::warning, format, std::forward<Values>(values)...);
}
template <class... Values>
void info(fmt::format_string<Values...> format, Values&&... values) {
    at(LogLevel::info, format, std::forward<Values>(values)...);
}
template <class... Values>
void debug(fmt::format_string<Values...> format, Values&&... values) {
    at(LogLevel::debug, format, std::forward<Values>(values)...);
}

}  // namespace log

}  // namespace sipalg::daemon
