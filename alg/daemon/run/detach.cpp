#include "alg/daemon/run/detach.hpp"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>

namespace sipalg::daemon {

Detach::Detach() {
    std::array<int, 2> ends{};
    if (pipe2(ends.data(), O_CLOEXEC) != 0) throw std::system_error(errno, std::generic_category(), "pipe");
    Fd reading(ends[0]);
    Fd writing(ends[1]);
    child_ = fork();
    if (child_ < 0) throw std::system_error(errno, std::generic_category(), "fork");
    pipe_ = child_ == 0 ? std::move(writing) : std::move(reading);
    if (child_ == 0) setsid();
}

std::optional<int> Detach::parent_status() const {
    if (child_ == 0) return std::nullopt;
    char byte = 0;
    ssize_t size = 0;
    do
        size = read(pipe_.get(), &byte, 1);
    while (size < 0 && errno == EINTR);
    if (size == 1) return 0;
    int status = 0;
    while (waitpid(child_, &status, 0) < 0 && errno == EINTR) {
    }
    return WIFEXITED(status) && WEXITSTATUS(status) != 0 ? WEXITSTATUS(status) : 1;
}

void Detach::serving() {
    const Fd null(open("/dev/null", O_RDWR | O_CLOEXEC));
    for (const int standard : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
        if (null) dup2(null.get(), standard);
    if (chdir("/") != 0) throw std::system_error(errno, std::generic_category(), "chdir");
    const char byte = 1;
    // This fails only if the parent was killed.
    [[maybe_unused]] const ssize_t size = write(pipe_.get(), &byte, 1);
    pipe_.reset();
}

}  // namespace sipalg::daemon
