#include "alg/testcall/end.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <stdexcept>

#include "alg/testcall/sip_user.hpp"

namespace sipalg::testcall {

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr int connect_patience_ms = 400;

/// An address and a port as the kernel takes them.
struct KernelEnd {
    sockaddr_storage storage{};
    socklen_t size = sizeof storage;

    KernelEnd() = default;
    explicit KernelEnd(const Endpoint& end) {
        const auto& bytes = end.address.bytes();
        if (end.address.is_v4()) {
            sockaddr_in v4{};
            v4.sin_family = AF_INET;
            v4.sin_port = htons(end.port);
            std::memcpy(&v4.sin_addr, bytes.data(), sizeof v4.sin_addr);
            std::memcpy(&storage, &v4, size = sizeof v4);
        } else {
            sockaddr_in6 v6{};
            v6.sin6_family = AF_INET6;
            v6.sin6_port = htons(end.port);
            std::memcpy(&v6.sin6_addr, bytes.data(), sizeof v6.sin6_addr);
            std::memcpy(&storage, &v6, size = sizeof v6);
        }
    }
    sockaddr* generic() { return reinterpret_cast<sockaddr*>(&storage); }
    Endpoint end() const {
        if (storage.ss_family == AF_INET) {
            sockaddr_in v4{};
            std::memcpy(&v4, &storage, sizeof v4);
            return {Address::v4(ntohl(v4.sin_addr.s_addr)), ntohs(v4.sin_port)};
        }
        sockaddr_in6 v6{};
        std::memcpy(&v6, &storage, sizeof v6);
        std::array<std::uint8_t, 16> bytes{};
        std::memcpy(bytes.data(), &v6.sin6_addr, bytes.size());
        return {Address::v6(bytes), ntohs(v6.sin6_port)};
    }
};

milliseconds until(steady_clock::time_point end) {
    return std::max(milliseconds(0), std::chrono::ceil<milliseconds>(end - steady_clock::now()));
}

}  // namespace

Fd End::bound(const Namespace& where, int type) const {
    const Inside inside(where);
    Fd fd(socket(own_.address.is_v4() ? AF_INET : AF_INET6, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    KernelEnd own(own_);
    if (!fd || bind(fd.get(), own.generic(), own.size) != 0)
        throw std::runtime_error(own_.text() + ": " + std::strerror(errno));
    return fd;
}

void End::drain() {
    while (receive(milliseconds(0))) {
    }
}

UdpEnd::UdpEnd(const Interrupts& interrupts, const Namespace& where, const Endpoint& own)
    : End(interrupts, own), fd_(bound(where, SOCK_DGRAM)) {}

bool UdpEnd::send(std::string_view bytes, const Endpoint& to) {
    KernelEnd end(to);
    static_cast<void>(sendto(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL, end.generic(), end.size));
    return false;
}

std::optional<Heard> UdpEnd::receive(milliseconds patience) {
    const auto end = steady_clock::now() + patience;
    while (interrupts_.readable(fd_.get(), until(end))) {
        std::array<char, 65536> bytes{};
        KernelEnd source;
        const ssize_t size =
            recvfrom(fd_.get(), bytes.data(), bytes.size(), 0, source.generic(), &source.size);
        if (size < 0) continue;  // an ICMP error of an earlier datagram
        return Heard{std::string(bytes.data(), static_cast<std::size_t>(size)), source.end()};
    }
    return std::nullopt;
}

TcpEnd::TcpEnd(const Interrupts& interrupts, const Namespace& where, const Endpoint& own, Role role)
    : End(interrupts, own), role_(role), fd_(bound(where, SOCK_STREAM)) {
    if (role == Role::listens && listen(fd_.get(), 1) != 0)
        throw std::runtime_error(own.text() + ": " + std::strerror(errno));
}

bool TcpEnd::connect_to(const Endpoint& to) {
    if (connected_) return true;
    KernelEnd end(to);
    far_ = to;
    if (connect(fd_.get(), end.generic(), end.size) != 0 && errno != EISCONN) {
        pollfd ready{fd_.get(), POLLOUT, 0};
        int error = 0;
        socklen_t length = sizeof error;
        if (poll(&ready, 1, connect_patience_ms) <= 0 ||
            getsockopt(fd_.get(), SOL_SOCKET, SO_ERROR, &error, &length) != 0 || error != 0)
            return false;
    }
    return connected_ = true;
}

bool TcpEnd::send(std::string_view bytes, const Endpoint& to) {
    if (role_ == Role::connects && !connect_to(to)) return false;
    const int fd = role_ == Role::listens ? connection_.get() : fd_.get();
    // A message of the test call fits into the buffer of a connection.
    return ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size());
}

std::optional<Heard> TcpEnd::take_message() {
    constexpr std::string_view head_end = "\r\n\r\n";
    const std::size_t head = received_.find(head_end);
    if (head == std::string::npos) return std::nullopt;
    const std::size_t size =
        head + head_end.size() + std::strtoul(header(received_, "Content-Length").c_str(), nullptr, 10);
    if (received_.size() < size) return std::nullopt;
    Heard heard{received_.substr(0, size), far_};
    received_.erase(0, size);
    return heard;
}

std::optional<Heard> TcpEnd::receive(milliseconds patience) {
    const auto end = steady_clock::now() + patience;
    for (;;) {
        if (auto message = take_message()) return message;
        const bool accepts = role_ == Role::listens && !connection_;
        const int fd = role_ == Role::listens && !accepts ? connection_.get() : fd_.get();
        if (!interrupts_.readable(fd, until(end))) return std::nullopt;
        if (accepts) {
            KernelEnd source;
            connection_ =
                Fd(accept4(fd_.get(), source.generic(), &source.size, SOCK_CLOEXEC | SOCK_NONBLOCK));
            if (connection_) far_ = source.end();
            continue;
        }
        std::array<char, 65536> bytes{};
        const ssize_t size = recv(fd, bytes.data(), bytes.size(), 0);
        if (size <= 0) {  // closed or reset: nothing will come
            static_cast<void>(interrupts_.readable(-1, until(end)));
            return std::nullopt;
        }
        received_.append(bytes.data(), static_cast<std::size_t>(size));
    }
}

}  // namespace sipalg::testcall
