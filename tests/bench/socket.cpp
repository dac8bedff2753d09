#include "tests/bench/socket.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace bench {

sockaddr_in raw(const Endpoint& endpoint) {
    sockaddr_in result{};
    result.sin_family = AF_INET;
    result.sin_port = htons(endpoint.port);
    if (inet_pton(AF_INET, endpoint.address.c_str(), &result.sin_addr) != 1) {
        throw std::invalid_argument("not an IPv4 address: " + endpoint.address);
    }
    return result;
}

Endpoint endpoint(const sockaddr_in& address) {
    char text[INET_ADDRSTRLEN];
    return {inet_ntop(AF_INET, &address.sin_addr, text, sizeof text), ntohs(address.sin_port)};
}

UdpSocket::UdpSocket(const Endpoint& local, std::chrono::milliseconds patience)
    : fd_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    const sockaddr_in address = raw(local);
    const timeval timeout{patience.count() / 1000, (patience.count() % 1000) * 1000};
    if (fd_ < 0 || ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout) != 0 ||
        ::bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        const int error = errno;
        if (fd_ >= 0) ::close(fd_);
        throw std::system_error(error, std::generic_category(), "UDP socket at " + local.text());
    }
}

UdpSocket::~UdpSocket() {
    if (fd_ >= 0) ::close(fd_);
}

UdpSocket::UdpSocket(UdpSocket&& other) noexcept
    : MessageSocket(std::move(other)), fd_(std::exchange(other.fd_, -1)) {}

void UdpSocket::send(std::string_view datagram, const Endpoint& to) {
    const sockaddr_in address = raw(to);
    [[maybe_unused]] const ssize_t sent =
        ::sendto(fd_, datagram.data(), datagram.size(), 0, reinterpret_cast<const sockaddr*>(&address),
                 sizeof address);
}

std::optional<std::string_view> UdpSocket::receive(Endpoint& from) {
    sockaddr_in address{};
    socklen_t size = sizeof address;
    const ssize_t got =
        ::recvfrom(fd_, buffer_, sizeof buffer_, 0, reinterpret_cast<sockaddr*>(&address), &size);
    if (got < 0) return std::nullopt;
    from = endpoint(address);
    return std::string_view(buffer_, static_cast<std::size_t>(got));
}

}  // namespace bench
