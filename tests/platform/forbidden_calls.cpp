// Preloaded into a running sipalgd by tests/netns/test_privileges.py: makes system calls that the daemon
// itself never makes, inside its process, when a signal comes. SIGUSR1: calls that must be refused; the
// results go to stderr. SIGUSR2: a call that must end the process.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>

namespace {

void report(const char* call, long result) {
    std::array<char, 64> line{};
    const int size = std::snprintf(line.data(), line.size(), "forbidden %s: %s %d\n", call,
                                   result < 0 ? "refused" : "done", result < 0 ? errno : 0);
    if (size > 0) [[maybe_unused]]
        const ssize_t written = write(STDERR_FILENO, line.data(), static_cast<std::size_t>(size));
}

void try_refused(int) {
    report("mkdir", mkdir("/tmp/sipalg-forbidden", 0700));
    report("inet", socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    report("write", open("/dev/null", O_WRONLY | O_CLOEXEC));
    report("chown", chown("/dev/null", 0, 0));
    report("read", open("/dev/null", O_RDONLY | O_CLOEXEC));
}

void try_deadly(int) {
    char program[] = "/bin/true";
    std::array<char*, 2> arguments{program, nullptr};
    report("execve", execve(program, arguments.data(), arguments.data() + 1));
}

[[gnu::constructor]] void wait_for_signals() {
    std::signal(SIGUSR1, try_refused);
    std::signal(SIGUSR2, try_deadly);
}

}  // namespace
