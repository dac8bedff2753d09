#include "alg/nat/translate.hpp"

namespace sipalg::nat {

std::optional<rewrite::Written> Outward::signalling(Transport transport, const Address& host,
                                                    std::optional<std::uint16_t> port, std::uint16_t standard,
                                                    bool via) const {
    if (host != phone_) return std::nullopt;
    const MappingEntry* entry = find({transport, {host, port.value_or(standard)}});
    if (!entry) return std::nullopt;
    mappings_.learn(*entry, via, !port);
    // What comes back is written for the endpoint that it comes back to.
    if (source_entry_ && entry != source_entry_) mappings_.mark_rewritten(*source_entry_);
    return rewrite::Written{entry->public_endpoint(), port || entry->mapping.outside.port != standard};
}

std::optional<Address> Outward::host(const Address& host) const {
    if (host != phone_) return std::nullopt;
    if (source_entry_) mappings_.mark_rewritten(*source_entry_);
    return egress_.advertised;
}

std::optional<Endpoint> Outward::reflexive(const Endpoint&) const {
    return std::nullopt;
}

std::optional<Endpoint> Outward::media(const Socket& socket) const {
    const Address& address = socket.endpoint.address;
    if (address != phone_ && !is_delegate(address)) return std::nullopt;
    if (const MappingEntry* entry = find(socket)) {
        mappings_.mark_rewritten(*entry);
        return entry->public_endpoint();
    }
    const bool untranslated =
        !mappings_.treatments().is_translated(address) && mappings_.find(MappingKey{socket, address});
    return untranslated ? std::optional(socket.endpoint) : std::nullopt;
}

std::optional<Address> Outward::media_host(const Address& host) const {
    return this->host(host);
}

bool Outward::is_delegate(const Address& host) const {
    return mappings_.treatments().is_delegate(phone_, host);
}

bool Outward::concerns(const Address& host) const {
    return host == phone_ || is_delegate(host);
}

Inward::Inward(const Mappings& mappings, const Socket& destination, const Egress& egress)
    : Translation(destination.transport),
      mappings_(mappings),
      phone_(destination.endpoint.address),
      egress_(egress) {
    const MappingEntry* entry = mappings.find(MappingKey{destination, egress.address});
    shows_inside_ = entry && entry->rewritten;
}

// What the router said before its address changed still stands for the phone (C11).
bool Inward::concerns(const Address& host) const {
    return host == egress_.advertised || mappings_.former().knows(host, egress_.address);
}

std::optional<rewrite::Written> Inward::signalling(Transport transport, const Address& host,
                                                   std::optional<std::uint16_t> port, std::uint16_t standard,
                                                   bool via) const {
    if (!concerns(host)) return std::nullopt;
    const MappingEntry* entry = mappings_.find_named({transport, {host, port.value_or(standard)}});
    if (!entry || !entry->rewritten || entry->mapping.inside.address != phone_) return std::nullopt;
    const Endpoint& inside = entry->mapping.inside;
    const bool is_standard = inside.port == standard;
    const bool bare = via ? entry->bare_in_via : entry->bare_in_uri;
    // Without port on our side of the router: as it came if the public port is the standard one, else as the
    // phone does.
    const bool with_port =
        port ? !(is_standard && bare && entry->mapping.outside.port != standard) : !is_standard;
    return rewrite::Written{inside, with_port};
}

std::optional<Address> Inward::host(const Address& host) const {
    if (!shows_inside_ || !concerns(host)) return std::nullopt;
    return phone_;
}

std::optional<Endpoint> Inward::reflexive(const Endpoint& seen) const {
    if (!shows_inside_ || !concerns(seen.address)) return std::nullopt;
    const MappingEntry* entry = seen.port ? mappings_.find_named({transport(), seen}) : nullptr;
    if (entry && entry->mapping.inside.address == phone_) return entry->mapping.inside;
    return Endpoint{phone_, seen.port};
}

std::optional<Endpoint> Inward::media(const Socket& socket) const {
    const MappingEntry* entry = mappings_.find_named(socket);
    if (!entry || (!entry->rewritten && !entry->mapping.is_identity())) return std::nullopt;
    return entry->mapping.inside;
}

std::optional<Address> Inward::media_host(const Address& host) const {
    return this->host(host);
}

}  // namespace sipalg::nat
