// Signals that end the program, seen only where it waits: so everything that it made is removed.
#pragma once

#include <chrono>
#include <csignal>

#include "alg/sys/fd.hpp"

namespace sipalg::testcall {

/// Thrown at the place that waits. The exit status is 128 + signal.
struct Interrupted {
    int signal = 0;
};

/// While it lives, SIGINT, SIGTERM and SIGHUP wait for readable().
class Interrupts {
  public:
    Interrupts();
    ~Interrupts();
    Interrupts(const Interrupts&) = delete;
    Interrupts& operator=(const Interrupts&) = delete;

    /// Waits until a descriptor can be read (-1: waits only). False: not within `patience`. Throws
    /// Interrupted.
    [[nodiscard]] bool readable(int fd, std::chrono::milliseconds patience) const;
    /// The signals that were blocked before: for children.
    const sigset_t& before() const { return before_; }

  private:
    sigset_t before_{};
    Fd signals_;
};

}  // namespace sipalg::testcall
