// Gives the memory that a flood has taken back to the system (P5).
#pragma once

#include <cstddef>
#include <functional>
#include <utility>

namespace sipalg::daemon {

/// The C library keeps what was freed below the highest block in use, and a table its buckets. So each time
/// the tables have fallen to half of their peak, both are told to give back what they don't use: at most a
/// few times after a flood, and never while the number of calls is about the same.
class MemoryReturn {
  public:
    /// Fewer entries are not worth it: they have taken less than a megabyte.
    static constexpr std::size_t least = 256;

    /// `give_back` frees what the tables and caches keep for entries that they no longer have.
    explicit MemoryReturn(std::function<void()> give_back) : give_back_(std::move(give_back)) {}

    /// Call after each wake-up, when nothing is staged. `entries`: State::entries().
    void note(std::size_t entries);

  private:
    std::function<void()> give_back_;
    std::size_t peak_ = 0;
};

}  // namespace sipalg::daemon
