// Numbers for records in the kernel.
#pragma once

#include <algorithm>
#include <cstdint>

namespace sipalg {

/// Gives each record its id. Not staged: an id that a cancelled transaction took is not used again.
class RecordIds {
  public:
    std::uint32_t take() { return next_++; }
    /// An earlier daemon has used this one.
    void note_used(std::uint32_t id) { next_ = std::max(next_, id + 1); }

  private:
    std::uint32_t next_ = 1;
};

}  // namespace sipalg
