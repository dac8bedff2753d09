#include "alg/daemon/run/socket_reader.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <exception>
#include <system_error>
#include <utility>

#include "alg/daemon/run/signals_blocked.hpp"

namespace sipalg::daemon {

SocketReader::SocketReader(Read read)
    : read_(std::move(read)), ready_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (!ready_) throw std::system_error(errno, std::generic_category(), "eventfd");
}

void SocketReader::start() {
    if (thread_.joinable()) return;
    const SignalsBlocked blocked;
    thread_ = std::thread([this] { run(); });
}

SocketReader::~SocketReader() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    changed_.notify_all();
    if (thread_.joinable()) thread_.join();
}

void SocketReader::request() {
    start();
    {
        const std::lock_guard lock(mutex_);
        requested_ = true;
    }
    changed_.notify_all();
}

std::optional<std::vector<Socket>> SocketReader::take() {
    const std::lock_guard lock(mutex_);
    std::uint64_t count = 0;
    [[maybe_unused]] const ssize_t size = read(ready_.get(), &count, sizeof count);
    return std::exchange(result_, std::nullopt);
}

void SocketReader::run() {
    for (;;) {
        {
            std::unique_lock lock(mutex_);
            changed_.wait(lock, [this] { return requested_ || stopping_; });
            if (stopping_) return;
            requested_ = false;
        }
        try {
            std::vector<Socket> sockets = read_();
            const std::lock_guard lock(mutex_);
            result_ = std::move(sockets);
            const std::uint64_t one = 1;
            [[maybe_unused]] const ssize_t size = write(ready_.get(), &one, sizeof one);
        } catch (const std::exception&) {
            // Out of memory: the sockets of the last read stay until the next request.
        }
    }
}

}  // namespace sipalg::daemon
