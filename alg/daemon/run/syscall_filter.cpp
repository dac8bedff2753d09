#include "alg/daemon/run/syscall_filter.hpp"

#include <fcntl.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <memory>

#include "alg/daemon/run/sanitizer.hpp"

namespace sipalg::daemon {

namespace {

/// Calls with any argument. Names that an architecture does not have are skipped.
constexpr const char* allowed[] = {
    // the loop and its clocks
    "epoll_wait", "epoll_pwait", "epoll_ctl", "poll", "ppoll", "timerfd_settime", "timerfd_settime64",
    "clock_gettime", "clock_gettime64", "gettimeofday", "time", "clock_nanosleep", "clock_nanosleep_time64",
    "nanosleep", "restart_syscall",
    // netlink, the control socket, sd_notify, syslog
    "read", "readv", "pread64", "write", "writev", "recvfrom", "recvmsg", "recvmmsg", "recvmmsg_time64",
    "recv", "send", "sendto", "sendmsg", "sendmmsg", "accept4", "bind", "connect", "shutdown", "getsockopt",
    "setsockopt", "getsockname", "getpeername", "close",
    // the configuration, /proc, the time zone; the control socket and the state file at the end
    "fstat", "fstat64", "stat", "stat64", "lstat", "lstat64", "fstatat64", "newfstatat", "statx", "lseek",
    "_llseek", "access", "faccessat", "faccessat2", "readlink", "readlinkat", "getdents64", "fcntl",
    "fcntl64", "unlink", "unlinkat", "rename", "renameat", "renameat2", "fsync", "fdatasync", "umask",
    // memory
    "brk", "munmap", "mremap", "madvise",
    // threads and signals
    "futex", "futex_time64", "rt_sigprocmask", "rt_sigaction", "rt_sigreturn", "sigreturn", "sigaltstack",
    "tgkill", "sched_yield", "sched_getaffinity", "rseq", "set_robust_list", "exit", "exit_group",
    // who am I
    "getpid", "gettid", "getuid", "geteuid", "getgid", "getegid", "getuid32", "geteuid32", "getgid32",
    "getegid32", "uname", "getrandom", "sysinfo", "prlimit64", "getcpu"};

/// Calls that neither the daemon nor its libraries use.
constexpr const char* deadly[] = {"execve",
                                  "execveat",
                                  "fork",
                                  "vfork",
                                  "clone",
                                  "clone3",
                                  "ptrace",
                                  "process_vm_readv",
                                  "process_vm_writev",
                                  "kcmp",
                                  "pidfd_getfd",
                                  "mount",
                                  "umount2",
                                  "move_mount",
                                  "fsopen",
                                  "pivot_root",
                                  "chroot",
                                  "setns",
                                  "unshare",
                                  "bpf",
                                  "perf_event_open",
                                  "userfaultfd",
                                  "io_uring_setup",
                                  "io_uring_enter",
                                  "io_uring_register",
                                  "init_module",
                                  "finit_module",
                                  "delete_module",
                                  "kexec_load",
                                  "kexec_file_load",
                                  "keyctl",
                                  "add_key",
                                  "request_key",
                                  "setuid",
                                  "setgid",
                                  "setresuid",
                                  "setresgid",
                                  "setreuid",
                                  "setregid",
                                  "setgroups",
                                  "capset",
                                  "personality",
                                  "memfd_create"};

constexpr std::uint32_t beyond() {
    return sanitized ? SCMP_ACT_LOG : SCMP_ACT_ERRNO(ENOSYS);
}

constexpr std::uint32_t fatal() {
    return sanitized ? SCMP_ACT_LOG : SCMP_ACT_KILL_PROCESS;
}

class Filter {
  public:
    Filter() : context_(seccomp_init(beyond())) {}
    explicit operator bool() const { return context_ != nullptr && error_ == 0; }
    int error() const { return error_ == 0 ? ENOMEM : error_; }

    void add(std::uint32_t action, const char* name, std::initializer_list<scmp_arg_cmp> conditions = {}) {
        const int number = seccomp_syscall_resolve_name(name);
        // A rule with the default action has no effect, and libseccomp refuses it.
        if (!*this || number == __NR_SCMP_ERROR || action == beyond()) return;
        keep(seccomp_rule_add_array(context_.get(), action, number, static_cast<unsigned>(conditions.size()),
                                    conditions.begin()));
    }

    void load() {
        if (!*this) return;
        keep(seccomp_attr_set(context_.get(), SCMP_FLTATR_CTL_TSYNC, 1));
        // An old kernel can't log refusals.
        static_cast<void>(seccomp_attr_set(context_.get(), SCMP_FLTATR_CTL_LOG, 1));
        if (*this) keep(seccomp_load(context_.get()));
    }

  private:
    struct Release {
        void operator()(void* context) const { seccomp_release(context); }
    };
    // A pseudo call of another architecture can't have a rule; it can't be made either.
    void keep(int result) {
        if (result < 0 && result != -EDOM && result != -EOPNOTSUPP && error_ == 0) error_ = -result;
    }

    std::unique_ptr<void, Release> context_;
    int error_ = 0;
};

constexpr scmp_arg_cmp equals(unsigned argument, scmp_datum_t value) {
    return {argument, SCMP_CMP_EQ, value, 0};
}

constexpr scmp_arg_cmp masked(unsigned argument, scmp_datum_t mask, scmp_datum_t value) {
    return {argument, SCMP_CMP_MASKED_EQ, mask, value};
}

// Existing files are read only, new files are written only.
void add_files(Filter& filter) {
    constexpr scmp_datum_t how = O_ACCMODE | O_CREAT | O_EXCL | O_TRUNC;
    for (const scmp_datum_t flags : {scmp_datum_t{O_RDONLY}, scmp_datum_t{O_WRONLY | O_CREAT | O_EXCL}}) {
        filter.add(SCMP_ACT_ALLOW, "openat", {masked(2, how, flags)});
        filter.add(SCMP_ACT_ALLOW, "open", {masked(1, how, flags)});
    }
}

// Making memory executable ends the process, so that received bytes can never run.
void add_memory(Filter& filter) {
    for (const char* name : {"mmap", "mmap2", "mprotect"}) {
        filter.add(SCMP_ACT_ALLOW, name, {masked(2, PROT_EXEC, 0)});
        filter.add(fatal(), name, {masked(2, PROT_EXEC, PROT_EXEC)});
    }
}

}  // namespace

// X9
std::optional<std::string> load_syscall_filter() {
    Filter filter;
    for (const char* name : allowed)
        filter.add(SCMP_ACT_ALLOW, name);
    for (const char* name : deadly)
        filter.add(fatal(), name);
    // Messages about the network, and the log. Sockets of raw packets were opened before.
    for (const int family : {AF_UNIX, AF_NETLINK})
        filter.add(SCMP_ACT_ALLOW, "socket", {equals(0, static_cast<scmp_datum_t>(family))});
    add_files(filter);
    add_memory(filter);
    filter.load();
    if (filter) return std::nullopt;
    return std::string("system calls are not filtered: ") + std::strerror(filter.error());
}

}  // namespace sipalg::daemon
