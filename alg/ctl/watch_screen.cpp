#include "alg/ctl/watch_screen.hpp"

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "alg/ctl/fact_reader.hpp"
#include "alg/ctl/lists.hpp"
#include "alg/ctl/request.hpp"
#include "alg/ctl/screen.hpp"
#include "alg/sys/fd.hpp"

namespace sipalg::ctl {

namespace {

using Clock = std::chrono::steady_clock;

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
    enum class Woken : std::uint8_t { by_time, by_event, to_leave };
    /// Waits for a key, a signal, or for `events` to be readable (-1: nothing to read).
    Woken wait(Clock::time_point until, int events) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now());
        std::array<pollfd, 3> ready{
            {{STDIN_FILENO, POLLIN, 0}, {signals_.get(), POLLIN, 0}, {events, POLLIN, 0}}};
        if (left.count() <= 0 || poll(ready.data(), ready.size(), static_cast<int>(left.count())) <= 0)
            return Woken::by_time;
        signalfd_siginfo signal{};
        if (read(signals_.get(), &signal, sizeof signal) == sizeof signal)
            return signal.ssi_signo == SIGWINCH ? Woken::by_time : Woken::to_leave;
        if (ready[0].revents != 0) {
            char key = 'q';  // also at the end of input
            return read(STDIN_FILENO, &key, 1) < 1 || key == 'q' || key == 'Q' ? Woken::to_leave
                                                                               : Woken::by_time;
        }
        return Woken::by_event;
    }

  private:
    termios before_{};
    sigset_t blocked_{};
    Fd signals_;
};

/// What the page shows. An event of the daemon makes it old at once; without one, only the numbers of
/// `status` are asked for each second. Lists have no more rows than the terminal: thousands of rows each
/// second would delay the packets of a large site.
class Watched {
  public:
    explicit Watched(const Options& options) : options_(options) { read(); }

    std::string page(ScreenSize size) const {
        return failure_.empty() ? screen(now_, before_, size, std::chrono::system_clock::now())
                                : cut(failure_, size.columns) + "\n(trying again; q quits)";
    }
    /// Readable when an event has happened; -1: nothing to wait for.
    int events() const { return events_ && !changed_ ? events_->descriptor() : -1; }
    void take_events() {
        std::string line;
        auto news = FactReader::News::line;
        while (news == FactReader::News::line) {
            news = events_->next(line, std::chrono::milliseconds(0));
            changed_ = changed_ || news != FactReader::News::quiet;
        }
        if (news == FactReader::News::end) events_.reset();
    }
    Clock::time_point due() const { return read_at_ + (changed_ ? soonest : interval); }
    /// Asks the daemon again. A failure is shown, and asking goes on.
    void look() {
        try {
            read();
            failure_.clear();
        } catch (const NotServing& error) {
            failure_ = error.what();
            before_.reset();
            changed_ = false;
            events_.reset();
        }
    }

  private:
    void read() {
        read_at_ = Clock::now();
        Snapshot next = now_;
        next.status = ask(options_.control, {{"command", "status"}});
        if (!events_) read_events();
        next.at = read_at_;
        if (std::exchange(changed_, false) || next.at - next.lists_at >= oldest_lists) {
            next.calls = list({{"command", "calls"}});
            next.ended = list({{"command", "calls"}, {"ended", true}});
            next.bindings = list({{"command", "bindings"}});
            next.lists_at = read_at_;
        }
        if (now_.status.is_object() && (!before_ || next.at - before_->at >= 2 * interval)) before_ = now_;
        now_ = std::move(next);
    }
    void read_events() {
        changed_ = true;
        try {
            events_.emplace(options_.control, Json{{"command", "watch"}, {"events", true}}, std::nullopt);
        } catch (const NotServing&) {
            // The daemon has too many readers: the lists are read each second until it takes this one.
        }
    }
    /// A list for the page; where the owner chose rows, all are needed to find them.
    Json list(Json request) const {
        if (!options_.phone.empty() || !options_.call.empty())
            return chosen_rows(ask(options_.control, request), options_.phone,
                               request["command"] == "bindings" ? "" : options_.call);
        request["most"] = Terminal::size().rows;
        return ask(options_.control, request);
    }

    static constexpr std::chrono::milliseconds soonest{250};  ///< between two readings
    static constexpr std::chrono::seconds interval{1};        ///< between readings when nothing happens
    static constexpr std::chrono::seconds oldest_lists{5};

    const Options& options_;
    std::optional<FactReader> events_;
    bool changed_ = false;  ///< an event has happened since the lists were read
    Clock::time_point read_at_{};
    Snapshot now_;
    std::optional<Snapshot> before_;  ///< for the rates
    std::string failure_;             ///< shown instead of the page
};

}  // namespace

bool on_terminal() {
    return isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1;
}

int watch_on_screen(const Options& options) {
    Watched watched(options);
    const auto end = options.seconds == 0 ? Clock::time_point::max()
                                          : Clock::now() + std::chrono::seconds(options.seconds);
    Terminal terminal;
    while (Clock::now() < end) {
        Terminal::show(watched.page(Terminal::size()));
        switch (terminal.wait(std::min(end, watched.due()), watched.events())) {
            case Terminal::Woken::to_leave: return 0;
            case Terminal::Woken::by_event: watched.take_events(); break;
            case Terminal::Woken::by_time: break;
        }
        if (Clock::now() >= watched.due()) watched.look();
    }
    return 0;
}

}  // namespace sipalg::ctl
