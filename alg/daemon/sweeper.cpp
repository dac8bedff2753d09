#include "alg/daemon/sweeper.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <exception>

namespace sipalg::daemon {

namespace {

/// Adds the time for which it lives to a sum.
class Stopwatch {
  public:
    explicit Stopwatch(std::chrono::microseconds& sum) : sum_(sum), start_(Clock::now()) {}
    ~Stopwatch() { sum_ += std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - start_); }
    Stopwatch(const Stopwatch&) = delete;
    Stopwatch& operator=(const Stopwatch&) = delete;

  private:
    using Clock = std::chrono::steady_clock;
    std::chrono::microseconds& sum_;
    Clock::time_point start_;
};

}  // namespace

void SweepBudget::ended(std::chrono::microseconds spent) {
    next_ = began_ + std::max(shortest_pause, std::chrono::ceil<Time>(spent * share));
}

std::optional<Time> Sweeper::advance(Time now) {
    if (conntrack_.dumping()) return std::nullopt;
    if (!state_.sweep_wanted(now)) {
        if (state_.idle()) return std::nullopt;
        return now + look;
    }
    if (now < budget_.next()) return budget_.next();
    budget_.began(now);
    spent_ = {};
    seen_ = 0;
    doomed_.clear();
    try {
        const Stopwatch stopwatch(spent_);
        conntrack_.begin_dump();
        state_.begin_sweep(now);
    } catch (const std::exception& error) {
        give_up(now, error.what());
        return budget_.next();
    }
    return std::nullopt;
}

void Sweeper::readable(Time now) {
    try {
        const Stopwatch stopwatch(spent_);
        const bool done = conntrack_.read_dump([&](const FlowSeen& seen) {
            ++seen_;
            if (state_.sweep_entry(seen, now))
                doomed_.push_back({seen.transport, seen.original_source, seen.original_destination});
        });
        if (!done) return;
        state_.end_sweep(now);
        if (!doomed_.empty()) conntrack_.erase(doomed_);
        failed_before_ = false;
    } catch (const std::exception& error) {
        give_up(now, error.what());
        return;
    }
    budget_.ended(spent_);
    spdlog::debug("swept conntrack: {} entries, {} deleted, {} us", seen_, doomed_.size(), spent_.count());
}

// Conntrack could not be read or changed. What is open has a timeout all the same; it is tried again.
void Sweeper::give_up(Time now, const char* why) {
    if (!failed_before_) spdlog::warn("conntrack could not be looked through: {}", why);
    failed_before_ = true;
    budget_.began(now);
    budget_.ended(std::chrono::seconds(1));
}

}  // namespace sipalg::daemon
