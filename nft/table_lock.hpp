// A lock for one daemon per table. The kernel releases it when the process ends for any reason.
#pragma once

#include <string>

#include "alg/sys/fd.hpp"

namespace sipalg::nft {

/// Binds the abstract AF_UNIX name "sipalg/TABLE". Such names belong to the network namespace, like tables.
class TableLock {
  public:
    /// Throws Error when another process has the lock.
    explicit TableLock(const std::string& table);

  private:
    Fd socket_;
};

}  // namespace sipalg::nft
