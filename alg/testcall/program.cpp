#include "alg/testcall/program.hpp"

#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>

namespace sipalg::testcall {

namespace {

constexpr int no_program = 127, timed_out = 124;

Fd memory_file(std::string_view content) {
    Fd fd(memfd_create("sipalgctl", MFD_CLOEXEC));
    if (!fd || !write_all(fd.get(), content) || lseek(fd.get(), 0, SEEK_SET) != 0)
        throw std::runtime_error(std::string("memfd_create: ") + std::strerror(errno));
    return fd;
}

std::string content_of(const Fd& file) {
    std::string text;
    std::array<char, 16384> bytes{};
    off_t at = 0;
    for (;;) {
        const ssize_t size = pread(file.get(), bytes.data(), bytes.size(), at);
        if (size <= 0) return text;
        text.append(bytes.data(), static_cast<std::size_t>(size));
        at += size;
    }
}

std::vector<char*> pointers(Words& words) {
    std::vector<char*> list;
    for (std::string& word : words)
        list.push_back(word.data());
    list.push_back(nullptr);
    return list;
}

}  // namespace

std::string Outcome::first_error() const {
    const std::size_t begin = errors.find_first_not_of("\r\n \t");
    if (begin == std::string::npos) return "exit status " + std::to_string(status);
    return errors.substr(begin, errors.find_first_of("\r\n", begin) - begin);
}

Program::Program(const Interrupts& interrupts, const Namespace* where, const Words& words,
                 std::string_view input, const Words& variables)
    : interrupts_(interrupts) {
    const Fd in = memory_file(input);
    output_ = memory_file({});
    errors_ = memory_file({});
    Words own_words = words, environment = variables;
    for (char** each = environ; *each != nullptr; ++each)
        environment.emplace_back(*each);
    const std::vector<char*> argv = pointers(own_words), envp = pointers(environment);
    const pid_t parent = getpid();
    pid_ = fork();
    if (pid_ < 0) throw std::runtime_error(std::string("fork: ") + std::strerror(errno));
    if (pid_ == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent) _exit(no_program);
        // A session of its own: Ctrl-C reaches only this program, which ends the others in order.
        setsid();
        sigprocmask(SIG_SETMASK, &interrupts.before(), nullptr);
        if (where != nullptr && setns(where->get(), CLONE_NEWNET) != 0) _exit(no_program);
        dup2(in.get(), STDIN_FILENO);
        dup2(output_.get(), STDOUT_FILENO);
        dup2(errors_.get(), STDERR_FILENO);
        execvpe(argv[0], argv.data(), envp.data());
        const std::string why = words.front() + ": " + std::strerror(errno) + "\n";
        static_cast<void>(write_all(STDERR_FILENO, why));
        _exit(no_program);
    }
    process_ = Fd(static_cast<int>(syscall(SYS_pidfd_open, pid_, 0)));
}

Program::~Program() {
    if (ended_) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
}

void Program::send(int signal) const {
    if (!ended_) kill(pid_, signal);
}

bool Program::ended(std::chrono::milliseconds patience) {
    if (ended_) return true;
    if (!interrupts_.readable(process_.get(), patience)) return false;
    int state = 0;
    if (waitpid(pid_, &state, WNOHANG) != pid_) return false;
    ended_ = true;
    status_ = WIFEXITED(state) ? WEXITSTATUS(state) : 128 + WTERMSIG(state);
    return true;
}

Outcome Program::outcome() const {
    return {status_, content_of(output_), content_of(errors_)};
}

Outcome run(const Interrupts& interrupts, const Namespace* where, const Words& words,
            std::string_view input) {
    Program program(interrupts, where, words, input);
    if (program.ended(std::chrono::seconds(20))) return program.outcome();
    Outcome outcome = program.outcome();
    outcome.status = timed_out;
    return outcome;
}

}  // namespace sipalg::testcall
