#include "alg/ctl/fact_reader.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>

#include "alg/base/escape.hpp"
#include "alg/ctl/cells.hpp"

namespace sipalg::ctl {

namespace {

constexpr std::chrono::seconds first_line{3};
constexpr std::size_t longest_line = 8 << 20;

sigset_t end_signals() {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    return set;
}

}  // namespace

FactReader::FactReader(const std::string& path, const Json& request,
                       std::optional<std::chrono::seconds> seconds)
    : path_(path) {
    fd_ = connect_to_daemon(path);
    const sigset_t set = end_signals();
    sigprocmask(SIG_BLOCK, &set, nullptr);
    signals_ = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    const std::string text = request.dump() + "\n";
    if (send(fd_, text.data(), text.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(text.size()))
        throw NotServing(escape(path) + ": " + std::strerror(errno));
    std::string line;
    if (next(line, first_line) != News::line) throw NotServing(escape(path) + ": " + silence());
    beginning_ = Json::parse(line, nullptr, false);
    if (beginning_.is_object() && beginning_.contains("error") && beginning_["error"].is_string())
        throw NotServing(escape(path) + ": " + escape(beginning_["error"].get<std::string>()));
    if (cell(beginning_, "type") != "begin")
        throw NotServing(escape(path) + ": the answer is not a stream; sipalgctl may be newer than sipalgd");
    if (seconds) until_ = std::chrono::steady_clock::now() + *seconds;
}

FactReader::~FactReader() {
    if (fd_ >= 0) close(fd_);
    if (signals_ >= 0) close(signals_);
}

bool FactReader::take_line(std::string& line) {
    const std::size_t end = buffer_.find('\n', taken_);
    if (end == std::string::npos) {
        buffer_.erase(0, taken_);
        taken_ = 0;
        return false;
    }
    line = buffer_.substr(taken_, end - taken_);
    taken_ = end + 1;
    return true;
}

FactReader::News FactReader::next(std::string& line, std::chrono::milliseconds patience) {
    using std::chrono::steady_clock;
    const auto wait_until = steady_clock::now() + patience;
    while (!take_line(line)) {
        const auto now = steady_clock::now();
        if (until_ && now >= *until_) return News::end;
        const auto end = until_ ? std::min(*until_, wait_until) : wait_until;
        const auto left =
            std::max<std::int64_t>(0, std::chrono::ceil<std::chrono::milliseconds>(end - now).count());
        std::array<pollfd, 2> ready{{{fd_, POLLIN, 0}, {signals_, POLLIN, 0}}};
        if (poll(ready.data(), ready.size(), static_cast<int>(left)) < 0 && errno != EINTR) return News::end;
        if (ready[1].revents != 0) return News::end;
        if (ready[0].revents == 0 && now >= wait_until) return News::quiet;
        if (ready[0].revents == 0) continue;
        std::array<char, 65536> bytes{};
        const ssize_t size = recv(fd_, bytes.data(), bytes.size(), MSG_DONTWAIT);
        if (size == 0) return News::end;
        if (size < 0 && errno != EAGAIN && errno != EINTR) return News::end;
        if (size > 0) buffer_.append(bytes.data(), static_cast<std::size_t>(size));
        if (buffer_.size() - taken_ > longest_line && buffer_.find('\n', taken_) == std::string::npos)
            return News::end;
    }
    return News::line;
}

}  // namespace sipalg::ctl
