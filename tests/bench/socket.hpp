// A UDP socket that owns its descriptor, for the benchmark's programs.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

#include "tests/bench/message.hpp"

namespace bench {

using Clock = std::chrono::steady_clock;

/// Bound to one IPv4 address and port. Throws std::system_error from the constructor only.
class UdpSocket {
  public:
    /// receive() gives up after `patience`.
    UdpSocket(const Endpoint& local, std::chrono::milliseconds patience);
    ~UdpSocket();
    UdpSocket(UdpSocket&& other) noexcept;
    UdpSocket& operator=(UdpSocket&&) = delete;
    UdpSocket(const UdpSocket&) = delete;

    /// What the network refuses is lost, like any other datagram.
    void send(std::string_view datagram, const Endpoint& to) const;
    /// The next datagram and where it came from; nullopt on a time-out or signal. The view lives until the
    /// next call.
    std::optional<std::string_view> receive(Endpoint& from);

  private:
    int fd_ = -1;
    char buffer_[8192];  // several times the longest message of the benchmark
};

}  // namespace bench
