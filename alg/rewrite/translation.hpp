// The translation of addresses between the router's two sides: what rewriting asks of the mappings.
#pragma once

#include <cstdint>
#include <optional>

#include "alg/net/address.hpp"

namespace sipalg::rewrite {

/// How a hostport writes its port.
enum class PortForm : std::uint8_t {
    given,   ///< ":5060"
    absent,  ///< nothing
    empty,   ///< ":", which counts as absent (S9)
    zero,    ///< ":0", which counts as absent (S9)
};

/// The port of a hostport.
struct WrittenPort {
    std::optional<std::uint16_t> number;  ///< absent in every form but `given`
    PortForm form = PortForm::absent;
};

/// How a signalling endpoint is to be written.
struct Written {
    Endpoint endpoint;
    PortForm form = PortForm::given;  ///< other than `given`: the other side wrote it like that
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
    /// The transport of the packet.
    Transport transport() const { return transport_; }
    /// A Via sent-by or a URI's hostport. `standard` is the port that an absent one means.
    virtual std::optional<Written> signalling(Transport transport, const Address& host, WrittenPort port,
                                              std::uint16_t standard, bool via) const = 0;
    /// A host alone: From and To without port.
    virtual std::optional<Address> host(const Address& host) const = 0;
    /// received= and rport= of the phone's own Via (S4): what the phone is shown for `seen` (port 0: none
    /// given), if it is shown inside values at all.
    virtual std::optional<Endpoint> reflexive(const Endpoint& seen) const = 0;

    /// One media endpoint of a session description.
    virtual std::optional<Endpoint> media(const Socket& socket) const = 0;
    /// The address of c= and o= where no media endpoint tells it.
    virtual std::optional<Address> media_host(const Address& host) const = 0;
    /// Of an untranslated endpoint: whether others may change beside it (S9). Its port must not mean another
    /// phone behind the address that they get.
    virtual bool costs_only_itself(const Socket& socket) const = 0;

    /// Whether the address is of the kind that this direction translates; for explanations.
    virtual bool concerns(const Address& host) const = 0;

  private:
    Transport transport_;
};

}  // namespace sipalg::rewrite
