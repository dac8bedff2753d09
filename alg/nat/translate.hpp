// Translates endpoints in messages by the mappings: one class for each direction.
#pragma once

#include "alg/nat/mappings.hpp"
#include "alg/rewrite/translation.hpp"

namespace sipalg::nat {

/// Translates messages of a phone: its own inside endpoints become public ones (S1, X1). Notes in the
/// mappings the form of the phone's endpoints, so that the phone gets them back in that form (S4).
class Outward : public rewrite::Translation {
  public:
    /// `source`: the packet's source, inside.
    Outward(Mappings& mappings, const Socket& source, const Egress& egress)
        : Translation(source.transport),
          mappings_(mappings),
          source_(source),
          phone_(source_.endpoint.address),
          egress_(egress),
          source_entry_(mappings.find(MappingKey{source, egress.address})) {}

    bool inbound() const override { return false; }
    std::optional<rewrite::Written> signalling(Transport transport, const Address& host,
                                               rewrite::WrittenPort port, std::uint16_t standard,
                                               bool via) const override;
    std::optional<Address> host(const Address& host) const override;
    std::optional<Endpoint> reflexive(const Endpoint& seen) const override;
    std::optional<Endpoint> media(const Socket& socket) const override;
    std::optional<Endpoint> of_another_phone(const Socket&) const override { return std::nullopt; }
    std::optional<Address> media_host(const Address& host) const override;
    bool refused_alone(const Socket& socket) const override;
    bool concerns(const Address& host) const override;

  private:
    /// The mapping of one of the phone's sockets. The mapping of the packet's source is needed several times,
    /// so it is cached.
    const MappingEntry* find(const Socket& inside) const {
        return inside == source_ ? source_entry_ : mappings_.find(MappingKey{inside, egress_.address});
    }
    void note_rewritten(const MappingEntry& entry) const;
    /// The phone expects responses at `port` and sends from another one.
    bool listens_at(std::uint16_t port) const;
    /// A host that the phone may name in descriptions (N5).
    bool is_delegate(const Address& host) const;

    Mappings& mappings_;
    const Socket source_;
    const Address& phone_;
    const Egress& egress_;
    const MappingEntry* const source_entry_;
};

/// Translates messages to a phone: public endpoints of this phone, and in descriptions those of any phone,
/// become inside ones (C9). The endpoint stays public if the phone has only written the public one, because
/// it handles NAT itself (S2).
class Inward : public rewrite::Translation {
  public:
    /// `destination`: the packet's destination, inside.
    Inward(const Mappings& mappings, const Socket& destination, const Egress& egress);

    bool inbound() const override { return true; }
    std::optional<rewrite::Written> signalling(Transport transport, const Address& host,
                                               rewrite::WrittenPort port, std::uint16_t standard,
                                               bool via) const override;
    std::optional<Address> host(const Address& host) const override;
    std::optional<Endpoint> reflexive(const Endpoint& seen) const override;
    std::optional<Endpoint> media(const Socket& socket) const override;
    std::optional<Endpoint> of_another_phone(const Socket& socket) const override;
    std::optional<Address> media_host(const Address& host) const override;
    bool refused_alone(const Socket& socket) const override;
    bool concerns(const Address& host) const override;

  private:
    const Mappings& mappings_;
    const Address& phone_;
    const Egress& egress_;
    bool shows_inside_ = false;  ///< the phone is shown inside values at the packet's destination
};

}  // namespace sipalg::nat
