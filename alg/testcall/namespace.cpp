#include "alg/testcall/namespace.hpp"

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <stdexcept>

namespace sipalg::testcall {

namespace {

Fd current() {
    Fd fd(open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
    if (!fd) throw std::runtime_error(std::string("/proc/thread-self/ns/net: ") + std::strerror(errno));
    return fd;
}

void enter(const Fd& there) {
    // In a wrong namespace, nothing that follows could be right.
    if (setns(there.get(), CLONE_NEWNET) != 0) std::abort();
}

}  // namespace

Namespace::Namespace() {
    const Fd home = current();
    if (unshare(CLONE_NEWNET) != 0)
        throw std::runtime_error(std::string("can't make a network namespace: ") + std::strerror(errno));
    fd_ = current();
    enter(home);
}

std::string Namespace::path() const {
    return "/proc/" + std::to_string(getpid()) + "/fd/" + std::to_string(fd_.get());
}

Inside::Inside(const Namespace& there) : home_(current()) {
    if (setns(there.get(), CLONE_NEWNET) != 0)
        throw std::runtime_error(std::string("can't enter a network namespace: ") + std::strerror(errno));
}

Inside::~Inside() {
    enter(home_);
}

}  // namespace sipalg::testcall
