// A rate limit for lines of the log.
#pragma once

#include <cstdint>

#include "alg/base/time.hpp"

namespace sipalg::daemon {

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
