#include "alg/ctl/watch_screen.hpp"

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "alg/ctl/lists.hpp"
#include "alg/ctl/request.hpp"
#include "alg/ctl/screen.hpp"
#include "alg/sys/fd.hpp"

namespace sipalg::ctl {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds interval{1};

void print(std::string_view text) {
    while (!text.empty()) {
        const ssize_t size = write(STDOUT_FILENO, text.data(), text.size());
        if (size <= 0) return;
        text.remove_prefix(static_cast<std::size_t>(size));
    }
}

/// While it lives, the terminal shows its other page without a cursor, and gives each key at once. Signals
/// that would end the program are read from `signals` instead, so that the terminal is always restored.
class Terminal {
  public:
    Terminal() {
        sigset_t set;
        sigemptyset(&set);
        for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGWINCH})
            sigaddset(&set, signal);
        sigprocmask(SIG_BLOCK, &set, &blocked_);
        signals_ = Fd(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
        tcgetattr(STDIN_FILENO, &before_);
        termios raw = before_;
        raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
        tcsetattr(STDIN_FILENO, TCSANOW, &raw);
        print("\x1b[?1049h\x1b[?25l");
    }
    ~Terminal() {
        print("\x1b[?25h\x1b[?1049l");
        tcsetattr(STDIN_FILENO, TCSANOW, &before_);
        sigprocmask(SIG_SETMASK, &blocked_, nullptr);
    }
    Terminal(const Terminal&) = delete;
    Terminal& operator=(const Terminal&) = delete;

    static ScreenSize size() {
        winsize window{};
        if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) != 0 || window.ws_row == 0 || window.ws_col == 0)
            return {};
        return {window.ws_row, window.ws_col};
    }
    /// Replaces the page without clearing it first, which would flicker.
    static void show(const std::string& page) {
        std::string text = "\x1b[H";
        for (const char c : page)
            text += c == '\n' ? std::string("\x1b[K\n") : std::string(1, c);
        print(text + "\x1b[K\x1b[J");
    }
    /// Waits for a key or a signal. True: to leave.
    bool leaves(Clock::time_point until) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now());
        std::array<pollfd, 2> events{{{STDIN_FILENO, POLLIN, 0}, {signals_.get(), POLLIN, 0}}};
        if (left.count() <= 0 || poll(events.data(), events.size(), static_cast<int>(left.count())) <= 0)
            return false;
        signalfd_siginfo signal{};
        if (read(signals_.get(), &signal, sizeof signal) == sizeof signal)
            return signal.ssi_signo != SIGWINCH;
        if (events[0].revents == 0) return false;
        char key = 'q';  // also at the end of input
        return read(STDIN_FILENO, &key, 1) < 1 || key == 'q' || key == 'Q';
    }

  private:
    termios before_{};
    sigset_t blocked_{};
    Fd signals_;
};

Snapshot look(const Options& options) {
    const auto list = [&](const Json& request) {
        return chosen_rows(ask(options.control, request), options.phone, options.call);
    };
    Snapshot snapshot;
    snapshot.status = ask(options.control, {{"command", "status"}});
    snapshot.calls = list({{"command", "calls"}});
    snapshot.ended = list({{"command", "calls"}, {"ended", true}});
    snapshot.bindings = chosen_rows(ask(options.control, {{"command", "bindings"}}), options.phone, "");
    snapshot.at = Clock::now();
    return snapshot;
}

}  // namespace

bool on_terminal() {
    return isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1;
}

int watch_on_screen(const Options& options) {
    std::optional<Snapshot> now = look(options), before;
    const auto end = options.seconds == 0 ? Clock::time_point::max()
                                          : Clock::now() + std::chrono::seconds(options.seconds);
    Terminal terminal;
    std::string failure;
    while (Clock::now() < end) {
        const auto wall = std::chrono::system_clock::now();
        Terminal::show(failure.empty()
                           ? screen(*now, before, Terminal::size(), wall)
                           : cut(failure, Terminal::size().columns) + "\n(trying again; q quits)");
        if (terminal.leaves(std::min(end, Clock::now() + interval))) break;
        try {
            Snapshot next = look(options);
            before = std::exchange(now, std::move(next));
            failure.clear();
        } catch (const NotServing& error) {
            failure = error.what();
            before.reset();
        }
    }
    return 0;
}

}  // namespace sipalg::ctl
