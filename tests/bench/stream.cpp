#include "tests/bench/stream.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <stdexcept>
#include <system_error>
#include <utility>
#include <vector>

namespace bench {
namespace {

[[noreturn]] void fail(const char* what, const Endpoint& where) {
    throw std::system_error(errno, std::generic_category(), what + (" " + where.text()));
}

int bound(const Endpoint& local) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int on = 1;
    const linger reset{1, 0};
    const sockaddr_in address = raw(local);
    if (fd < 0 || ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0 ||
        ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset) != 0 ||
        ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        fail("TCP socket at", local);
    }
    return fd;
}

int connected(const Endpoint& local, const Endpoint& remote, std::chrono::milliseconds patience) {
    const int fd = bound(local);
    const sockaddr_in address = raw(remote);
    const timeval timeout{patience.count() / 1000, (patience.count() % 1000) * 1000};
    if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout) != 0) {
        fail("connection to", remote);
    }
    return fd;
}

/// The length of the message at the beginning of `text`; 0 if it is incomplete.
std::size_t message_size(std::string_view text) {
    const auto head = text.find("\r\n\r\n");
    if (head == std::string_view::npos) return 0;
    const std::string_view digits = header(text, "Content-Length");
    std::size_t body = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), body);
    return head + 4 + body <= text.size() ? head + 4 + body : 0;
}

}  // namespace

Connection::~Connection() {
    ::close(fd_);
}

void Connection::send(std::string_view message) const {
    while (!message.empty()) {
        const ssize_t sent = ::send(fd_, message.data(), message.size(), MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent < 0) fail("send to", remote_);
        message.remove_prefix(static_cast<std::size_t>(sent));
    }
}

std::optional<std::string_view> Connection::next() {
    buffer_.erase(0, std::exchange(read_, 0));
    read_ = message_size(buffer_);
    if (read_ == 0) return std::nullopt;
    return std::string_view(buffer_).substr(0, read_);
}

Connection::Heard Connection::hear() {
    char piece[16384];
    const ssize_t got = ::recv(fd_, piece, sizeof piece, 0);
    if (got > 0) buffer_.append(piece, static_cast<std::size_t>(got));
    if (got < 0 && errno != EAGAIN && errno != EINTR) return Heard::end;
    return got > 0 ? Heard::something : got == 0 ? Heard::end : Heard::nothing;
}

TcpPhone::TcpPhone(const Endpoint& local, const Endpoint& remote, std::chrono::milliseconds patience)
    : connection_(connected(local, remote, patience), remote) {}

void TcpPhone::send(std::string_view message, const Endpoint&) {
    connection_.send(message);
}

std::optional<std::string_view> TcpPhone::receive(Endpoint& from) {
    from = connection_.remote();
    if (const auto message = connection_.next()) return message;
    if (connection_.hear() == Connection::Heard::end) {
        throw std::runtime_error("the connection to " + from.text() + " has ended");
    }
    return connection_.next();
}

TcpProvider::TcpProvider(const Endpoint& local, std::chrono::milliseconds patience)
    : listener_(bound(local)), patience_(static_cast<int>(patience.count())) {
    if (::listen(listener_, 16) != 0) fail("listen at", local);
}

TcpProvider::~TcpProvider() {
    ::close(listener_);
}

void TcpProvider::send(std::string_view message, const Endpoint& to) {
    const auto found =
        std::find_if(connections_.begin(), connections_.end(),
                     [&to](const Connection& connection) { return connection.remote() == to; });
    if (found != connections_.end()) found->send(message);
}

std::optional<std::string_view> TcpProvider::receive(Endpoint& from) {
    if (const auto message = there(from)) return message;
    std::vector<pollfd> watched{{listener_, POLLIN, 0}};
    for (const Connection& connection : connections_)
        watched.push_back({connection.fd(), POLLIN, 0});
    if (::poll(watched.data(), watched.size(), patience_) <= 0) return std::nullopt;
    auto at = watched.begin() + 1;
    for (auto connection = connections_.begin(); connection != connections_.end(); ++at) {
        const bool ended = at->revents != 0 && connection->hear() == Connection::Heard::end;
        connection = ended ? connections_.erase(connection) : std::next(connection);
    }
    if (watched.front().revents != 0) accept();
    return there(from);
}

void TcpProvider::accept() {
    sockaddr_in address{};
    socklen_t size = sizeof address;
    const int fd = ::accept4(listener_, reinterpret_cast<sockaddr*>(&address), &size, SOCK_CLOEXEC);
    if (fd < 0) return;  // the connection was closed before accept()
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    connections_.emplace_back(fd, endpoint(address));
}

std::optional<std::string_view> TcpProvider::there(Endpoint& from) {
    for (Connection& connection : connections_) {
        if (const auto message = connection.next()) {
            from = connection.remote();
            return message;
        }
    }
    return std::nullopt;
}

}  // namespace bench
