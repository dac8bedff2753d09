// The translation of addresses between the two sides of the router: the interface from rewriting to the
// mappings.
#pragma once

#include <cstdint>
#include <optional>

#include "alg/net/address.hpp"

namespace sipalg::rewrite {

/// The form of the port in a hostport.
enum class PortForm : std::uint8_t {
    given,   ///< ":5060"
    absent,  ///< nothing
    empty,   ///< ":", which counts as absent (S9)
    zero,    ///< ":0", which counts as absent (S9)
};

/// The port of a hostport.
struct WrittenPort {
    std::optional<std::uint16_t> number;  ///< only with the form `given`
    PortForm form = PortForm::absent;
};

/// The text for a signalling endpoint.
struct Written {
    Endpoint endpoint;
    PortForm form = PortForm::given;  ///< not `given`: the form in which the phone wrote the port
};

/// Translates addresses of one packet in its direction. Look-ups only; std::nullopt means "keep it".
class Translation {
  public:
    explicit Translation(Transport transport) : transport_(transport) {}
    Translation(const Translation&) = delete;
    Translation& operator=(const Translation&) = delete;
    virtual ~Translation() = default;

    /// True: the packet comes from outside, so Request-URI and Route are translated too (S4).
    virtual bool inbound() const = 0;
    /// The transport of the packet.
    Transport transport() const { return transport_; }
    /// Translates a Via sent-by, or the hostport of a URI. `standard`: the meaning of an absent port.
    virtual std::optional<Written> signalling(Transport transport, const Address& host, WrittenPort port,
                                              std::uint16_t standard, bool via) const = 0;
    /// Translates a host without port, as in From and To.
    virtual std::optional<Address> host(const Address& host) const = 0;
    /// Translates received= and rport= of the phone's own Via (S4): returns the inside endpoint for `seen`
    /// (port 0: absent) if the phone is shown inside values.
    virtual std::optional<Endpoint> reflexive(const Endpoint& seen) const = 0;

    /// Translates a media endpoint of a session description.
    virtual std::optional<Endpoint> media(const Socket& socket) const = 0;
    /// Translates a media endpoint that a STUN server has shown to another phone on this side (C9).
    virtual std::optional<Endpoint> of_another_phone(const Socket& socket) const = 0;
    /// Translates the address of c= and o= if no media endpoint determines it.
    virtual std::optional<Address> media_host(const Address& host) const = 0;
    /// Whether other media lines may be translated if `socket` is not (S9). False if its port belongs to
    /// another phone at the public address.
    virtual bool refused_alone(const Socket& socket) const = 0;

    /// Whether this direction translates such addresses; for explanations.
    virtual bool concerns(const Address& host) const = 0;

  private:
    Transport transport_;
};

}  // namespace sipalg::rewrite
