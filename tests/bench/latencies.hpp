// Collects latencies for the benchmark's programs.
#pragma once

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "tests/bench/message.hpp"
#include "tests/bench/socket.hpp"

namespace bench {

/// Nanoseconds of a clock that all namespaces of a machine share, so that the two ends can compare times.
inline std::uint64_t now_ns(Clock::time_point now = Clock::now()) {
    using std::chrono::nanoseconds;
    return static_cast<std::uint64_t>(
        std::chrono::duration_cast<nanoseconds>(now.time_since_epoch()).count());
}

class Latencies {
  public:
    void add(std::chrono::nanoseconds time) { times_.push_back(time); }
    /// Adds the time that a message took since its sender wrote X-Sent. One without it doesn't count.
    void add_message(std::string_view message, Clock::time_point now) {
        const std::string_view text = header(message, "X-Sent");
        std::uint64_t sent = 0;
        if (std::from_chars(text.data(), text.data() + text.size(), sent).ec != std::errc{} || sent == 0)
            return;
        add(std::chrono::nanoseconds(now_ns(now) - sent));
    }
    std::size_t size() const { return times_.size(); }
    /// In microseconds; 0 when there is none.
    double percentile(double part) {
        if (times_.empty()) return 0;
        const auto at = static_cast<std::ptrdiff_t>(part * static_cast<double>(times_.size() - 1));
        std::nth_element(times_.begin(), times_.begin() + at, times_.end());
        return std::chrono::duration<double, std::micro>(times_[static_cast<std::size_t>(at)]).count();
    }

  private:
    std::vector<std::chrono::nanoseconds> times_;
};

}  // namespace bench
