// The sockets of the test call: an end of signalling over UDP or TCP, or of media.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "alg/net/address.hpp"
#include "alg/testcall/interrupts.hpp"
#include "alg/testcall/namespace.hpp"

namespace sipalg::testcall {

/// A datagram, or a SIP message of a connection.
struct Heard {
    std::string bytes;
    Endpoint source;
};

/// A socket in a namespace. Its interrupts must outlive it.
class End {
  public:
    virtual ~End() = default;
    End(const End&) = delete;
    End& operator=(const End&) = delete;

    const Endpoint& own() const { return own_; }
    /// True: the bytes are on their way, and the kernel repeats them. False: they may be lost; send them
    /// again.
    virtual bool send(std::string_view bytes, const Endpoint& to) = 0;
    /// nullopt: nothing came in time. Throws Interrupted.
    virtual std::optional<Heard> receive(std::chrono::milliseconds patience) = 0;
    /// Takes what has arrived.
    void drain();

  protected:
    End(const Interrupts& interrupts, const Endpoint& own) : interrupts_(interrupts), own_(own) {}
    /// A socket in that namespace at the own address. Throws std::runtime_error if the address is not there.
    Fd bound(const Namespace& where, int type) const;

    const Interrupts& interrupts_;

  private:
    Endpoint own_;
};

class UdpEnd final : public End {
  public:
    UdpEnd(const Interrupts& interrupts, const Namespace& where, const Endpoint& own);
    bool send(std::string_view bytes, const Endpoint& to) override;
    std::optional<Heard> receive(std::chrono::milliseconds patience) override;

  private:
    Fd fd_;
};

/// One end of the only connection of a test call.
class TcpEnd final : public End {
  public:
    enum class Role : bool { listens, connects };
    TcpEnd(const Interrupts& interrupts, const Namespace& where, const Endpoint& own, Role role);
    /// Connects to that end first, if it has not done so. An end that listens sends on the connection that it
    /// has accepted, wherever the message is to go.
    bool send(std::string_view bytes, const Endpoint& to) override;
    std::optional<Heard> receive(std::chrono::milliseconds patience) override;

  private:
    bool connect_to(const Endpoint& to);
    std::optional<Heard> take_message();

    Role role_;
    Fd fd_;          ///< listens, or connects
    Fd connection_;  ///< of an end that listens
    Endpoint far_;
    bool connected_ = false;
    std::string received_;
};

}  // namespace sipalg::testcall
