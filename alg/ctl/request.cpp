#include "alg/ctl/request.hpp"

#include <grp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <utility>

#include "alg/base/escape.hpp"

namespace sipalg::ctl {

namespace {

constexpr std::chrono::seconds patience{3};

// A hint that members of the socket's group may query: " or as a member of the group sipalg (…)". Empty: only
// root may. A directory that others may not enter hides the socket, and has the same group.
std::string group_hint(const std::string& path) {
    struct stat status {};
    if (stat(path.c_str(), &status) == 0) {
        if ((status.st_mode & S_IWGRP) == 0) return {};
    } else if (stat(path.substr(0, path.rfind('/')).c_str(), &status) != 0 ||
               (status.st_mode & S_IXGRP) == 0) {
        return {};
    }
    const group* found = getgrgid(status.st_gid);
    const std::string name = found != nullptr ? found->gr_name : std::to_string(status.st_gid);
    return " or as a member of the group " + name + " (usermod -aG " + name + " USER, then log in again)";
}

class Connection {
  public:
    explicit Connection(const std::string& path) : path_(path) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        if (path.size() >= sizeof address.sun_path) fail("path too long for a socket");
        std::copy(path.begin(), path.end(), address.sun_path);
        fd_ = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        const timeval wait{patience.count(), 0};
        if (fd_ < 0 || setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait) != 0 ||
            setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait) != 0)
            fail(std::strerror(errno));
        if (connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) refused(errno);
    }
    ~Connection() {
        if (fd_ >= 0) close(fd_);
    }
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    void write(std::string_view text) {
        while (!text.empty()) {
            const ssize_t size = send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
            if (size < 0 && errno == EINTR) continue;
            if (size < 0 && errno == EPIPE) return;  // a refusal may be there to read
            if (size < 0) fail(std::strerror(errno));
            text.remove_prefix(static_cast<std::size_t>(size));
        }
    }

    std::string read() {
        std::string text;
        std::array<char, 16384> buffer{};
        for (;;) {
            const ssize_t size = recv(fd_, buffer.data(), buffer.size(), 0);
            if (size < 0 && errno == EINTR) continue;
            if (size < 0 && errno == EAGAIN) fail(silence());
            if (size < 0 && errno == ECONNRESET && !text.empty()) return text;
            if (size < 0) fail(std::strerror(errno));
            if (size == 0) return text;
            text.append(buffer.data(), static_cast<std::size_t>(size));
        }
    }

    /// The caller closes it.
    int release() { return std::exchange(fd_, -1); }

    [[noreturn]] void fail(const std::string& what) const { throw NotServing(escape(path_) + ": " + what); }

  private:
    [[noreturn]] void refused(int error) const {
        if (error == ENOENT || error == ECONNREFUSED)
            fail("no sipalgd is serving at this socket; start it, or name its socket with --control");
        if (error == EACCES) fail("permission denied; run as root" + group_hint(path_));
        fail(std::strerror(error));
    }

    const std::string& path_;
    int fd_ = -1;
};

}  // namespace

Json ask(const std::string& path, const Json& request) {
    Connection connection(path);
    connection.write(request.dump() + "\n");
    Json document = Json::parse(connection.read(), nullptr, false);
    if (document.is_discarded()) connection.fail("the answer is not JSON; is this the socket of sipalgd?");
    if (document.is_object() && document.contains("error") && document["error"].is_string())
        connection.fail(escape(document["error"].get<std::string>()));
    return document;
}

std::string silence() {
    return "sipalgd did not answer within " + std::to_string(patience.count()) +
           " s; it hangs, or the machine is overloaded (systemctl status sipalg)";
}

int connect_to_daemon(const std::string& path) {
    return Connection(path).release();
}

}  // namespace sipalg::ctl
