#include "alg/testcall/daemon_copy.hpp"

#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <sstream>
#include <stdexcept>
#include <string_view>

namespace sipalg::testcall {

namespace {

constexpr std::chrono::seconds longest_wait{20};

std::runtime_error failure(const std::string& what) {
    return std::runtime_error(what + ": " + std::strerror(errno));
}

Fd listen_at(const std::string& path) {
    Fd fd(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    if (!fd || bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        throw failure(path);
    return fd;
}

/// Beside this program, as in a build directory, or where packages install it.
std::string program() {
    std::error_code error;
    const auto own = std::filesystem::read_symlink("/proc/self/exe", error).parent_path();
    for (const auto& candidate : {own / "sipalgd", own.parent_path() / "sbin" / "sipalgd"})
        if (!own.empty() && access(candidate.c_str(), X_OK) == 0) return candidate;
    return "sipalgd";
}

}  // namespace

PrivateDirectory::PrivateDirectory(const std::string& config) {
    // Any directory will do, unless it has the configuration: its content is hidden, for this process only.
    for (const char* candidate : {"/mnt", "/media", "/srv", "/opt"})
        if (path_.empty() && std::filesystem::is_directory(candidate) && !config.starts_with(candidate))
            path_ = candidate;
    if (path_.empty()) throw std::runtime_error("no directory /mnt, /media, /srv or /opt");
    if (unshare(CLONE_NEWNS) != 0) throw failure("can't make a mount namespace");
    if (mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        mount("sipalgctl", path_.c_str(), "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0755,size=16m") !=
            0)
        throw failure("can't mount a file system in memory at " + path_);
}

DaemonCopy::DaemonCopy(const Interrupts& interrupts, const Namespace& router,
                       const PrivateDirectory& directory, const std::string& config)
    : interrupts_(interrupts) {
    const std::string at = directory.path() + "/";
    ready_ = listen_at(at + "ready");
    chmod((at + "ready").c_str(), 0666);  // the daemon gives up root
    Words words{program(), "--foreground", "--control", at + "control", "--state", at + "state"};
    if (!config.empty()) words.insert(words.end(), {"--config", config});
    program_.emplace(interrupts, &router, words, std::string_view(), Words{"NOTIFY_SOCKET=" + at + "ready"});
}

std::string DaemonCopy::last_error() const {
    const Outcome outcome = program_->outcome();
    if (outcome.status == 127) return outcome.first_error();
    std::istringstream in(outcome.errors);
    std::string found = "sipalgd ended with status " + std::to_string(outcome.status);
    for (std::string line; std::getline(in, line);)
        if (const std::size_t at = line.find("error: "); at != std::string::npos)
            found = line.substr(at + 7);
        else if (line.starts_with("sipalgd: "))
            found = line;
    return found;
}

std::optional<std::string> DaemonCopy::wait() {
    const auto end = std::chrono::steady_clock::now() + longest_wait;
    while (std::chrono::steady_clock::now() < end) {
        if (interrupts_.readable(ready_.get(), std::chrono::milliseconds(50))) {
            std::array<char, 512> said{};
            const ssize_t size = recv(ready_.get(), said.data(), said.size(), 0);
            const std::string_view text(said.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
            if (text.find("READY=1") != std::string_view::npos) return std::nullopt;
        }
        if (program_->ended(std::chrono::milliseconds(0))) return last_error();
    }
    return "sipalgd does not serve within " + std::to_string(longest_wait.count()) + " seconds";
}

std::optional<std::string> DaemonCopy::stop() {
    program_->send(SIGTERM);
    if (!program_->ended(longest_wait)) return "sipalgd does not end on SIGTERM";
    if (program_->outcome().status != 0) return last_error();
    return std::nullopt;
}

}  // namespace sipalg::testcall
