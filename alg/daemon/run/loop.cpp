#include "alg/daemon/run/loop.hpp"

#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <system_error>

namespace sipalg::daemon {

namespace {

void must(bool worked, const char* what) {
    if (!worked) throw std::system_error(errno, std::generic_category(), what);
}

}  // namespace

Time boot_time() {
    timespec now{};
    clock_gettime(CLOCK_BOOTTIME, &now);
    return std::chrono::duration_cast<Time>(std::chrono::seconds(now.tv_sec) +
                                            std::chrono::nanoseconds(now.tv_nsec));
}

Loop::Loop()
    : epoll_(epoll_create1(EPOLL_CLOEXEC)),
      timer_(timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC)),
      now_(boot_time()) {
    must(static_cast<bool>(epoll_), "epoll_create1");
    must(static_cast<bool>(timer_), "timerfd_create");
    add(timer_.get(), EPOLLIN, [this](std::uint32_t) {
        std::uint64_t count = 0;
        // Fails only if the timer was set again in the meantime; then it expires once more.
        if (read(timer_.get(), &count, sizeof count) == sizeof count) armed_.reset();
    });
}

Loop::~Loop() = default;

void Loop::add(int descriptor, std::uint32_t events, Handler handler) {
    epoll_event event{};
    event.events = events;
    event.data.fd = descriptor;
    must(epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, descriptor, &event) == 0, "epoll_ctl");
    handlers_[descriptor] = std::make_shared<Handler>(std::move(handler));
}

void Loop::change(int descriptor, std::uint32_t events) {
    epoll_event event{};
    event.events = events;
    event.data.fd = descriptor;
    must(epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, descriptor, &event) == 0, "epoll_ctl");
}

void Loop::remove(int descriptor) {
    if (handlers_.erase(descriptor) > 0) epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, descriptor, nullptr);
}

void Loop::on_signals(std::initializer_list<int> signals, std::function<void(int)> handler) {
    sigset_t set;
    sigemptyset(&set);
    for (const int signal : signals)
        sigaddset(&set, signal);
    must(sigprocmask(SIG_BLOCK, &set, nullptr) == 0, "sigprocmask");
    signals_ = Fd(signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC));
    must(static_cast<bool>(signals_), "signalfd");
    add(signals_.get(), EPOLLIN, [this, handler = std::move(handler)](std::uint32_t) {
        signalfd_siginfo info{};
        while (read(signals_.get(), &info, sizeof info) == sizeof info)
            handler(static_cast<int>(info.ssi_signo));
    });
}

void Loop::after_wake_up(std::function<std::optional<Time>(Time)> step) {
    step_ = std::move(step);
}

// The timer is only moved to an earlier time. If it expires too early, this causes one wake-up, whereas
// setting it after each packet would cost a system call each time.
void Loop::arm(std::optional<Time> deadline) {
    if (!deadline || (armed_ && *armed_ <= *deadline)) return;
    const Time at = std::max(*deadline, Time(1));  // zero would disarm it
    itimerspec spec{};
    spec.it_value.tv_sec = static_cast<time_t>(at.count() / 1000);
    spec.it_value.tv_nsec = static_cast<long>(at.count() % 1000 * 1'000'000);
    must(timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &spec, nullptr) == 0, "timerfd_settime");
    armed_ = at;
}

void Loop::run() {
    running_ = true;
    std::array<epoll_event, 32> events{};
    while (running_) {
        if (step_) arm(step_(now_));
        const int count = epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), -1);
        must(count >= 0 || errno == EINTR, "epoll_wait");
        now_ = boot_time();
        for (int i = 0; i < count; ++i) {
            const auto& event = events[static_cast<std::size_t>(i)];
            const auto found = handlers_.find(event.data.fd);
            if (found == handlers_.end()) continue;  // removed by a handler before it
            const auto handler = found->second;      // stays alive even if it removes itself
            (*handler)(event.events);
        }
    }
}

}  // namespace sipalg::daemon
