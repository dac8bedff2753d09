// What stands for what on the other side of the router: the question that rewriting asks of the mappings.
#pragma once

#include <optional>

#include "alg/net/address.hpp"

namespace sipalg::rewrite {

/// How a signalling endpoint is to be written.
struct Written {
    Endpoint endpoint;
    bool with_port = true;  ///< false: the port is left out because the other side wrote it without one
};

/// One direction of one packet. Pure look-ups; std::nullopt means "leave it".
class Translation {
  public:
    explicit Translation(Transport transport) : transport_(transport) {}
    Translation(const Translation&) = delete;
    Translation& operator=(const Translation&) = delete;
    virtual ~Translation() = default;

    /// True when the packet comes from outside: then Request-URI and Route are translated too (S4).
    virtual bool inbound() const = 0;
    /// What carries the message.
    Transport transport() const { return transport_; }
    /// A Via sent-by or a URI's hostport. `port` is absent when the text has none; `standard` is its default.
    virtual std::optional<Written> signalling(Transport transport, const Address& host,
                                              std::optional<std::uint16_t> port, std::uint16_t standard,
                                              bool via) const = 0;
    /// A host that stands alone: From and To without port.
    virtual std::optional<Address> host(const Address& host) const = 0;
    /// received= and rport= of the phone's own Via (S4): what the phone is to see for `seen` (port 0: none
    /// given), if it is shown inside values at all.
    virtual std::optional<Endpoint> reflexive(const Endpoint& seen) const = 0;

    /// One media endpoint of a session description.
    virtual std::optional<Endpoint> media(const Socket& socket) const = 0;
    /// The address of c= and o= where no media endpoint tells it.
    virtual std::optional<Address> media_host(const Address& host) const = 0;

    /// Whether the address is of the kind that this direction translates; for explanations.
    virtual bool concerns(const Address& host) const = 0;

  private:
    Transport transport_;
};

}  // namespace sipalg::rewrite
