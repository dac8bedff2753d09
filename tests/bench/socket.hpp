// Sockets that carry whole SIP messages, for the benchmark's programs, and the one for UDP.
#pragma once

#include <netinet/in.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

#include "tests/bench/message.hpp"

namespace bench {

using Clock = std::chrono::steady_clock;

sockaddr_in raw(const Endpoint& endpoint);
Endpoint endpoint(const sockaddr_in& address);

/// A transport of messages between two ends.
class MessageSocket {
  public:
    MessageSocket() = default;
    virtual ~MessageSocket() = default;
    MessageSocket(const MessageSocket&) = delete;
    MessageSocket& operator=(const MessageSocket&) = delete;

    virtual void send(std::string_view message, const Endpoint& to) = 0;
    /// The next message and its source; nullopt on a timeout or signal. The view lives until the next call.
    virtual std::optional<std::string_view> receive(Endpoint& from) = 0;

  protected:
    MessageSocket(MessageSocket&&) = default;
};

/// Bound to one IPv4 address and port. Throws std::system_error from the constructor only.
class UdpSocket final : public MessageSocket {
  public:
    /// receive() gives up after `patience`.
    UdpSocket(const Endpoint& local, std::chrono::milliseconds patience);
    ~UdpSocket() override;
    UdpSocket(UdpSocket&& other) noexcept;

    /// A datagram that the network refuses is lost, like any other.
    void send(std::string_view datagram, const Endpoint& to) override;
    std::optional<std::string_view> receive(Endpoint& from) override;

  private:
    int fd_ = -1;
    char buffer_[8192];  // several times the longest message of the benchmark
};

}  // namespace bench
