// The log: its destination and its rate limit.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "alg/base/time.hpp"

namespace sipalg::daemon {

enum class LogLevel : std::uint8_t { error, warning, info, debug };
std::string_view name(LogLevel level);
std::optional<LogLevel> parse_log_level(std::string_view text);

/// Sends the log to stderr. Under journald, lines carry their priority.
void log_to_stderr();
/// Sends the log to syslog (facility daemon), for a detached daemon.
void log_to_syslog();
void set_log_level(LogLevel level);

/// Allows at most `per_second` lines on average and `burst` at once, so that traffic from outside cannot fill
/// a disk (O4).
class RateLimit {
  public:
    RateLimit(unsigned burst, unsigned per_second);
    bool allow(Time now);
    /// The number of lines refused since the last call.
    std::uint64_t take_refused();

  private:
    std::int64_t capacity_;  ///< in thousandths of a line, as is level_
    std::int64_t level_;
    std::int64_t per_millisecond_;
    Time last_{0};
    std::uint64_t refused_ = 0;
};

}  // namespace sipalg::daemon
