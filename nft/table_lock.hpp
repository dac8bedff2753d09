// One daemon per table: a lock that the kernel releases when the process ends, however it ends.
#pragma once

#include <string>

#include "alg/sys/fd.hpp"

namespace sipalg::nft {

/// Binds the abstract AF_UNIX name "sipalg/TABLE". Such names belong to the network namespace, as tables do.
class TableLock {
  public:
    /// Throws Error when another process has the lock.
    explicit TableLock(const std::string& table);

  private:
    Fd socket_;
};

}  // namespace sipalg::nft
