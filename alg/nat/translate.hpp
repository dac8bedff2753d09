// The mappings' answer to "what stands for what": one class for each direction.
#pragma once

#include "alg/nat/mappings.hpp"
#include "alg/rewrite/translation.hpp"

namespace sipalg::nat {

/// For what a phone sends: inside becomes public, only where it is this very phone (S1, X1). Learns how the
/// phone writes its endpoints, so that it gets them back in the same form.
class Outward : public rewrite::Translation {
  public:
    /// `source` is where the packet comes from, inside.
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
    std::optional<Address> media_host(const Address& host) const override;
    bool is_never_mapped(std::uint16_t port) const override { return is_forbidden_port(port); }
    bool concerns(const Address& host) const override;

  private:
    /// The mapping of one of the phone's sockets. The one that the packet comes from is shown several times,
    /// so it is looked up once.
    const MappingEntry* find(const Socket& inside) const {
        return inside == source_ ? source_entry_ : mappings_.find(MappingKey{inside, egress_.address});
    }
    /// A host that the phone may name in descriptions (N5).
    bool is_delegate(const Address& host) const;

    Mappings& mappings_;
    const Socket source_;
    const Address& phone_;
    const Egress& egress_;
    const MappingEntry* const source_entry_;
};

/// For what a phone gets: public becomes inside where it was written for this phone, and in descriptions for
/// any phone (C9). A mapping that no message ever showed as inside stays public: its phone minds NAT itself
/// (S2).
class Inward : public rewrite::Translation {
  public:
    /// `destination` is where the packet goes, inside.
    Inward(const Mappings& mappings, const Socket& destination, const Egress& egress);

    bool inbound() const override { return true; }
    std::optional<rewrite::Written> signalling(Transport transport, const Address& host,
                                               rewrite::WrittenPort port, std::uint16_t standard,
                                               bool via) const override;
    std::optional<Address> host(const Address& host) const override;
    std::optional<Endpoint> reflexive(const Endpoint& seen) const override;
    std::optional<Endpoint> media(const Socket& socket) const override;
    std::optional<Address> media_host(const Address& host) const override;
    bool is_never_mapped(std::uint16_t port) const override { return is_forbidden_port(port); }
    bool concerns(const Address& host) const override;

  private:
    const Mappings& mappings_;
    const Address& phone_;
    const Egress& egress_;
    bool shows_inside_ = false;  ///< the phone is shown inside values at this endpoint
};

}  // namespace sipalg::nat
