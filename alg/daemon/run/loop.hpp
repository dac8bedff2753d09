// The event loop: the only place where the daemon waits.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <unordered_map>

#include "alg/base/time.hpp"
#include "alg/sys/fd.hpp"

namespace sipalg::daemon {

/// An epoll loop with one timer and signals as events. The clock (CLOCK_BOOTTIME) is read once per wake-up.
/// Throws std::system_error if there is no descriptor left.
class Loop {
  public:
    using Handler = std::function<void(std::uint32_t events)>;  ///< EPOLLIN, EPOLLOUT …

    Loop();
    ~Loop();
    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;

    /// Calls `handler` whenever one of `events` occurs. The caller keeps the descriptor and calls remove()
    /// before closing it. A handler may remove any descriptor, its own included.
    void add(int descriptor, std::uint32_t events, Handler handler);
    void change(int descriptor, std::uint32_t events);
    void remove(int descriptor);

    /// Blocks these signals in the process and calls `handler` with the number of each one instead.
    void on_signals(std::initializer_list<int> signals, std::function<void(int)> handler);
    /// `step` is called at the end of every wake-up, when all handlers are done. It returns the time of the
    /// next call; nullopt: after the next event.
    void after_wake_up(std::function<std::optional<Time>(Time now)> step);

    Time now() const { return now_; }
    void run();  ///< until stop()
    void stop() { running_ = false; }

  private:
    void arm(std::optional<Time> deadline);

    Fd epoll_;
    Fd timer_;
    Fd signals_;
    std::unordered_map<int, std::shared_ptr<Handler>> handlers_;
    std::function<std::optional<Time>(Time)> step_;
    std::optional<Time> armed_;
    Time now_{0};
    bool running_ = false;
};

Time boot_time();  ///< CLOCK_BOOTTIME in milliseconds

}  // namespace sipalg::daemon
