#include "alg/testcall/interrupts.hpp"

#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace sipalg::testcall {

Interrupts::Interrupts() {
    sigset_t set;
    sigemptyset(&set);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP})
        sigaddset(&set, signal);
    sigprocmask(SIG_BLOCK, &set, &before_);
    signals_ = Fd(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
}

Interrupts::~Interrupts() {
    sigprocmask(SIG_SETMASK, &before_, nullptr);
}

bool Interrupts::readable(int fd, std::chrono::milliseconds patience) const {
    using std::chrono::steady_clock;
    const auto end = steady_clock::now() + patience;
    for (;;) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - steady_clock::now()).count();
        std::array<pollfd, 2> ready{{{signals_.get(), POLLIN, 0}, {fd, POLLIN, 0}}};
        const int count = poll(ready.data(), ready.size(), left > 0 ? static_cast<int>(left) : 0);
        if (count < 0 && errno != EINTR) return false;
        signalfd_siginfo signal{};
        if (ready[0].revents != 0 && read(signals_.get(), &signal, sizeof signal) == sizeof signal)
            throw Interrupted{static_cast<int>(signal.ssi_signo)};
        if (count > 0 && ready[1].revents != 0) return true;
        if (left <= 0) return false;
    }
}

}  // namespace sipalg::testcall
