#include "alg/daemon/config/log.hpp"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/sinks/syslog_sink.h>
#include <spdlog/spdlog.h>
#include <syslog.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>
#include <utility>

namespace sipalg::daemon {

namespace {

constexpr std::array<std::pair<LogLevel, std::string_view>, 4> levels{{
    {LogLevel::error, "error"},
    {LogLevel::warning, "warning"},
    {LogLevel::info, "info"},
    {LogLevel::debug, "debug"},
}};

spdlog::level::level_enum to_spdlog(LogLevel level) {
    switch (level) {
        case LogLevel::error: return spdlog::level::err;
        case LogLevel::warning: return spdlog::level::warn;
        case LogLevel::debug: return spdlog::level::debug;
        default: return spdlog::level::info;
    }
}

/// The "<N>" with which journald learns the priority of a line on stderr, see sd-daemon(3).
class JournalPriority : public spdlog::custom_flag_formatter {
  public:
    void format(const spdlog::details::log_msg& message, const std::tm&, spdlog::memory_buf_t& out) override {
        const std::string_view prefix = message.level >= spdlog::level::err    ? "<3>"
                                        : message.level == spdlog::level::warn ? "<4>"
                                        : message.level == spdlog::level::info ? "<6>"
                                                                               : "<7>";
        out.append(prefix.data(), prefix.data() + prefix.size());
    }
    std::unique_ptr<custom_flag_formatter> clone() const override {
        return std::make_unique<JournalPriority>();
    }
};

void use(spdlog::sink_ptr sink, std::unique_ptr<spdlog::formatter> formatter) {
    auto logger = std::make_shared<spdlog::logger>("sipalgd", std::move(sink));
    logger->set_level(spdlog::get_level());
    logger->set_formatter(std::move(formatter));
    logger->flush_on(spdlog::level::trace);
    spdlog::set_default_logger(std::move(logger));
}

}  // namespace

std::string_view name(LogLevel level) {
    return levels[static_cast<std::size_t>(level)].second;
}

std::optional<LogLevel> parse_log_level(std::string_view text) {
    for (const auto& [level, word] : levels)
        if (word == text) return level;
    return std::nullopt;
}

void log_to_stderr() {
    auto formatter = std::make_unique<spdlog::pattern_formatter>();
    if (std::getenv("JOURNAL_STREAM") != nullptr)
        formatter->add_flag<JournalPriority>('*').set_pattern("%*%v");
    else
        formatter->set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %l: %v");
    use(std::make_shared<spdlog::sinks::stderr_sink_st>(), std::move(formatter));
}

void log_to_syslog() {
    use(std::make_shared<spdlog::sinks::syslog_sink_st>("sipalgd", LOG_PID, LOG_DAEMON, true),
        std::make_unique<spdlog::pattern_formatter>("%v", spdlog::pattern_time_type::local, ""));
}

void set_log_level(LogLevel level) {
    spdlog::set_level(to_spdlog(level));
}

RateLimit::RateLimit(unsigned burst, unsigned per_second)
    : capacity_(std::int64_t{burst} * 1000), level_(capacity_), per_millisecond_(per_second) {}

bool RateLimit::allow(Time now) {
    const std::int64_t passed = std::clamp<std::int64_t>((now - last_).count(), 0, 3'600'000);
    last_ = now;
    level_ = std::min(capacity_, level_ + passed * per_millisecond_);
    if (level_ < 1000) {
        ++refused_;
        return false;
    }
    level_ -= 1000;
    return true;
}

std::uint64_t RateLimit::take_refused() {
    return std::exchange(refused_, 0);
}

}  // namespace sipalg::daemon
