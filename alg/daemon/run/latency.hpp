// A histogram of the time that packets spend in the daemon (O6).
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace sipalg::daemon {

/// Counts packets by the time between their arrival from the kernel and their verdict.
class Latency {
  public:
    using Duration = std::chrono::microseconds;
    /// Upper ends of the buckets; the last bucket has none.
    static constexpr std::array<Duration, 10> bounds{
        Duration{50},    Duration{100},   Duration{200},    Duration{500},     Duration{1'000},
        Duration{2'000}, Duration{5'000}, Duration{20'000}, Duration{100'000}, Duration{1'000'000}};

    void note(std::chrono::steady_clock::duration time, std::uint64_t packets) {
        std::size_t i = 0;
        while (i < bounds.size() && time > bounds[i])
            ++i;
        counts_[i] += packets;
        sum_ += time * static_cast<std::chrono::steady_clock::rep>(packets);
    }
    void add(const Latency& other) {
        for (std::size_t i = 0; i < counts_.size(); ++i)
            counts_[i] += other.counts_[i];
        sum_ += other.sum_;
    }
    const std::array<std::uint64_t, bounds.size() + 1>& counts() const { return counts_; }
    std::chrono::steady_clock::duration sum() const { return sum_; }

  private:
    std::array<std::uint64_t, bounds.size() + 1> counts_{};
    std::chrono::steady_clock::duration sum_{0};
};

}  // namespace sipalg::daemon
