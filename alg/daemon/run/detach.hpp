// Into the background, without losing what goes wrong on the way.
#pragma once

#include <optional>

#include "alg/sys/fd.hpp"

namespace sipalg::daemon {

/// A child that does the work, and a parent that waits until it serves, so that scripts see whether it does.
class Detach {
  public:
    /// Forks. Throws std::system_error.
    Detach();
    /// In the parent: its exit status, once the child serves (0) or has ended (the child's). nullopt: this is
    /// the child.
    std::optional<int> parent_status() const;
    /// In the child: lets the parent go, and the terminal with it.
    void serving();

  private:
    Fd pipe_;
    int child_ = 0;
};

}  // namespace sipalg::daemon
