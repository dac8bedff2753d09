// Detaches the daemon from the terminal and reports a failed start to the shell.
#pragma once

#include <optional>

#include "alg/sys/fd.hpp"

namespace sipalg::daemon {

/// A child that becomes the daemon, and a parent that waits until it serves, so that scripts get its exit
/// status.
class Detach {
  public:
    /// Forks. Throws std::system_error.
    Detach();
    /// In the parent: its exit status, once the child serves (0) or has ended (the child's). nullopt: this is
    /// the child.
    std::optional<int> parent_status() const;
    /// In the child: makes the parent exit with status 0, and closes the terminal.
    void serving();

  private:
    Fd pipe_;
    int child_ = 0;
};

}  // namespace sipalg::daemon
