// SIP over TCP for the benchmark's programs: whole messages in and out of connections.
#pragma once

#include <chrono>
#include <cstddef>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "tests/bench/socket.hpp"

namespace bench {

/// One TCP connection. Ended with a reset, so that its ports are free at once for the next one.
class Connection {
  public:
    Connection(int fd, Endpoint remote) : fd_(fd), remote_(std::move(remote)) {}
    ~Connection();
    Connection(Connection&& other) = delete;
    Connection& operator=(Connection&&) = delete;

    int fd() const { return fd_; }
    const Endpoint& remote() const { return remote_; }
    void send(std::string_view message) const;
    /// The next complete message; the view is valid until the next call.
    std::optional<std::string_view> next();
    enum class Heard { something, nothing, end };
    /// Reads bytes; waits as long as the socket does.
    Heard hear();

  private:
    int fd_;
    Endpoint remote_;
    std::string buffer_;
    std::size_t read_ = 0;  ///< bytes of it that next() has returned
};

/// The phone: connects when it is made, from its own SIP port.
class TcpPhone final : public MessageSocket {
  public:
    TcpPhone(const Endpoint& local, const Endpoint& remote, std::chrono::milliseconds patience);
    void send(std::string_view message, const Endpoint& to) override;
    std::optional<std::string_view> receive(Endpoint& from) override;

  private:
    Connection connection_;
};

/// The provider: listens, and answers on the connection that a request came on.
class TcpProvider final : public MessageSocket {
  public:
    TcpProvider(const Endpoint& local, std::chrono::milliseconds patience);
    ~TcpProvider() override;
    void send(std::string_view message, const Endpoint& to) override;
    std::optional<std::string_view> receive(Endpoint& from) override;

  private:
    void accept();
    std::optional<std::string_view> there(Endpoint& from);

    int listener_;
    int patience_;  ///< milliseconds
    std::list<Connection> connections_;
};

}  // namespace bench
