// Detaches the daemon from the terminal and reports a failed start to the shell.
#pragma once

#include <optional>

#include "alg/sys/fd.hpp"

namespace sipalg::daemon {

/// Forks a child that becomes the daemon. The parent waits until the child serves, so that scripts get the
/// exit status.
class Detach {
  public:
    /// Forks. Throws std::system_error.
    Detach();
    /// In the parent: the exit status, 0 when the child serves, else that of the child. nullopt: this is the
    /// child.
    std::optional<int> parent_status() const;
    /// In the child: makes the parent exit with status 0, and closes the terminal.
    void serving();

  private:
    Fd pipe_;
    int child_ = 0;
};

}  // namespace sipalg::daemon
