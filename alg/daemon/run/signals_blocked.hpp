// Signals are for the thread that runs the loop.
#pragma once

#include <pthread.h>

#include <csignal>

namespace sipalg::daemon {

/// While this object exists, the calling thread blocks all signals, and so does a thread that it starts
/// meanwhile, for good.
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
