// Pseudo-random numbers that depend only on the seed.
#pragma once

#include <cstddef>
#include <cstdint>

namespace sipalg::model {

/// SplitMix64: the same numbers on every platform, and cheap to seed again for each step.
class Dice {
  public:
    explicit Dice(std::uint64_t seed) : state_(seed) {}
    std::uint64_t roll() {
        std::uint64_t z = state_ += 0x9e3779b97f4a7c15ULL;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
        return z ^ (z >> 31);
    }
    /// Below `count`, which is not 0.
    std::size_t below(std::size_t count) { return static_cast<std::size_t>(roll() % count); }
    bool one_in(std::size_t count) { return below(count) == 0; }
    const auto& of(const auto& list) { return list[below(list.size())]; }

  private:
    std::uint64_t state_;
};

}  // namespace sipalg::model
