#include "alg/daemon/run/rate_limit.hpp"

#include <algorithm>
#include <utility>

namespace sipalg::daemon {

RateLimit::RateLimit(unsigned burst, unsigned per_second)
    : capacity_(std::int64_t{burst} * 1000), level_(capacity_), per_millisecond_(per_second) {}

bool RateLimit::allow(Time now) {
    const std::int64_t elapsed = std::clamp<std::int64_t>((now - last_).count(), 0, 3'600'000);
    last_ = now;
    level_ = std::min(capacity_, level_ + elapsed * per_millisecond_);
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
