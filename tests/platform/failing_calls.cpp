// Preloaded into sipalgd by tests/netns/test_faults.py: makes one system call of the C library's wrappers
// fail. The file that $FAILING_CALLS names is shared with the test, which writes which call fails next and
// with which error.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstdint>
#include <cstdlib>

// The C library's own functions, which this library replaces for the program.
#include <dlfcn.h>

namespace {

/// A kind of call, as the test numbers them.
enum Kind : std::size_t { sending, receiving, opening, accepting, writing, kinds };

/// Laid out for the test: five of these, in the order of Kind.
struct Order {
    std::atomic<std::int32_t> calls_left;  ///< 1: the next call fails; 0: none does
    std::atomic<std::int32_t> error;       ///< errno
    std::atomic<std::int32_t> seen;        ///< calls since the start
    std::atomic<std::int32_t> failed;
};

Order* orders = nullptr;

[[gnu::constructor]] void map_orders() {
    const char* path = std::getenv("FAILING_CALLS");
    if (path == nullptr) return;
    const int file = open(path, O_RDWR | O_CLOEXEC);
    if (file < 0) return;
    void* memory = mmap(nullptr, kinds * sizeof(Order), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    if (memory != MAP_FAILED) orders = static_cast<Order*>(memory);
}

bool fails(Kind kind) {
    if (orders == nullptr) return false;
    Order& order = orders[kind];
    ++order.seen;
    std::int32_t left = order.calls_left;
    while (left > 0 && !order.calls_left.compare_exchange_weak(left, left - 1)) {
    }
    if (left != 1) return false;
    ++order.failed;
    errno = order.error;
    return true;
}

template <class Function>
Function real(const char* name) {
    return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}

}  // namespace

extern "C" {

ssize_t send(int fd, const void* data, size_t size, int flags) {
    static const auto call = real<decltype(&::send)>("send");
    return fails(sending) ? -1 : call(fd, data, size, flags);
}

ssize_t sendto(int fd, const void* data, size_t size, int flags, const sockaddr* to, socklen_t length) {
    static const auto call = real<decltype(&::sendto)>("sendto");
    return fails(sending) ? -1 : call(fd, data, size, flags, to, length);
}

ssize_t sendmsg(int fd, const msghdr* message, int flags) {
    static const auto call = real<decltype(&::sendmsg)>("sendmsg");
    return fails(sending) ? -1 : call(fd, message, flags);
}

ssize_t recv(int fd, void* data, size_t size, int flags) {
    static const auto call = real<decltype(&::recv)>("recv");
    return fails(receiving) ? -1 : call(fd, data, size, flags);
}

ssize_t recvfrom(int fd, void* data, size_t size, int flags, sockaddr* from, socklen_t* length) {
    static const auto call = real<decltype(&::recvfrom)>("recvfrom");
    return fails(receiving) ? -1 : call(fd, data, size, flags, from, length);
}

int recvmmsg(int fd, mmsghdr* messages, unsigned count, int flags, timespec* timeout) {
    static const auto call = real<decltype(&::recvmmsg)>("recvmmsg");
    return fails(receiving) ? -1 : call(fd, messages, count, flags, timeout);
}

int accept4(int fd, sockaddr* from, socklen_t* length, int flags) {
    static const auto call = real<decltype(&::accept4)>("accept4");
    return fails(accepting) ? -1 : call(fd, from, length, flags);
}

ssize_t write(int fd, const void* data, size_t size) {
    static const auto call = real<decltype(&::write)>("write");
    return fails(writing) ? -1 : call(fd, data, size);
}

int open64(const char* path, int flags, ...) {
    static const auto call = real<decltype(&::open64)>("open64");
    va_list more;
    va_start(more, flags);
    const auto mode = (flags & O_CREAT) != 0 ? va_arg(more, mode_t) : 0;
    va_end(more);
    return fails(opening) ? -1 : call(path, flags, mode);
}

int open(const char* path, int flags, ...) {
    static const auto call = real<decltype(&::open)>("open");
    va_list more;
    va_start(more, flags);
    const auto mode = (flags & O_CREAT) != 0 ? va_arg(more, mode_t) : 0;
    va_end(more);
    return fails(opening) ? -1 : call(path, flags, mode);
}

}  // extern "C"
