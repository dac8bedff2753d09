// Numbers for records in the kernel.
#pragma once

#include <algorithm>
#include <cstdint>

namespace sipalg {

/// Assigns ids to records. Not staged: the id of a cancelled transaction is not used again.
class RecordIds {
  public:
    std::uint32_t take() { return next_++; }
    /// Notes an id of an earlier daemon.
    void note_used(std::uint32_t id) { next_ = std::max(next_, id + 1); }

  private:
    std::uint32_t next_ = 1;
};

}  // namespace sipalg
