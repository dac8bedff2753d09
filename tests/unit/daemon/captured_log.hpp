// The log of a test: journald's socket, played by the test.
#pragma once

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <optional>
#include <string>

#include "alg/daemon/config/log.hpp"
#include "alg/sys/fd.hpp"

namespace sipalg::test {

/// While it lives, the log goes to a socket of its own as to journald.
class CapturedLog {
  public:
    CapturedLog()
        : path_(fmt::format("/tmp/sipalg-journal-{}", getpid())),
          socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::memcpy(address.sun_path, path_.c_str(), path_.size());
        ::unlink(path_.c_str());
        REQUIRE(::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
        struct stat status {};
        REQUIRE(fstat(STDERR_FILENO, &status) == 0);
        setenv("JOURNAL_STREAM", fmt::format("{}:{}", status.st_dev, status.st_ino).c_str(), 1);
        daemon::log_to_stderr(path_);
    }
    ~CapturedLog() {
        ::unlink(path_.c_str());
        unsetenv("JOURNAL_STREAM");
        daemon::set_log_format(daemon::LogFormat::text);
        daemon::log_to_stderr();
    }
    CapturedLog(const CapturedLog&) = delete;
    CapturedLog& operator=(const CapturedLog&) = delete;

    /// The next datagram; nullopt: there is none.
    std::optional<std::string> next() const {
        std::string text(65536, '\0');
        const ssize_t size = ::recv(socket_.get(), text.data(), text.size(), 0);
        if (size < 0) return std::nullopt;
        text.resize(static_cast<std::size_t>(size));
        return text;
    }

  private:
    std::string path_;
    Fd socket_;
};

}  // namespace sipalg::test
