// Blocks signals in threads that do not run the loop.
#pragma once

#include <pthread.h>

#include <csignal>

namespace sipalg::daemon {

/// Blocks all signals in the calling thread while the object exists. Threads that are started in the meantime
/// inherit the mask and keep it.
class SignalsBlocked {
  public:
    SignalsBlocked() {
        sigset_t all;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before_);
    }
    ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
    SignalsBlocked(const SignalsBlocked&) = delete;
    SignalsBlocked& operator=(const SignalsBlocked&) = delete;

  private:
    sigset_t before_{};
};

}  // namespace sipalg::daemon
