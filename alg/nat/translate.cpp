#include "alg/nat/translate.hpp"

namespace sipalg::nat {

std::optional<rewrite::Written> Outward::signalling(Transport transport, const Address& host,
                                                    rewrite::WrittenPort port, std::uint16_t standard,
                                                    bool via) const {
    if (host != phone_) return std::nullopt;
    const std::uint16_t number = port.number.value_or(standard);
    const MappingEntry* entry = via && listens_at(number) ? source_entry_ : find({transport, {host, number}});
    if (!entry) return std::nullopt;
    mappings_.set_shown(*entry, entry->shown.when_written(via, port.form));
    // The responses arrive at the source of this packet, so they must show inside values there too.
    if (source_entry_ && entry != source_entry_) note_rewritten(*source_entry_);
    const bool is_standard = entry->mapping.outside.port == standard;
    return rewrite::Written{entry->public_endpoint(), is_standard ? port.form : rewrite::PortForm::given};
}

// The responses come back to the port that the request leaves by.
bool Outward::listens_at(std::uint16_t port) const {
    if (transport() != Transport::udp || port == source_.endpoint.port) return false;
    const Listener* listener = mappings_.listeners().find(source_.endpoint);
    return listener && listener->responses == port;
}

void Outward::note_rewritten(const MappingEntry& entry) const {
    mappings_.set_shown(entry, entry.shown.when_rewritten());
}

std::optional<Address> Outward::host(const Address& host) const {
    if (host != phone_) return std::nullopt;
    if (source_entry_) note_rewritten(*source_entry_);
    return egress_.advertised;
}

std::optional<Endpoint> Outward::reflexive(const Endpoint&) const {
    return std::nullopt;
}

std::optional<Endpoint> Outward::media(const Socket& socket) const {
    const Address& address = socket.endpoint.address;
    if (address != phone_ && !is_delegate(address)) return std::nullopt;
    if (const MappingEntry* entry = find(socket)) {
        note_rewritten(*entry);
        return entry->public_endpoint();
    }
    const bool untranslated =
        !mappings_.treatments().is_translated(address) && mappings_.find(MappingKey{socket, address});
    return untranslated ? std::optional(socket.endpoint) : std::nullopt;
}

std::optional<Address> Outward::media_host(const Address& host) const {
    return this->host(host);
}

bool Outward::refused_alone(const Socket& socket) const {
    if (!concerns(socket.endpoint.address)) return false;
    const Socket there{socket.transport, {egress_.advertised, socket.endpoint.port}};
    return is_forbidden_port(socket.endpoint.port) || !mappings_.find_named(there);
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
    shows_inside_ = entry && entry->shown.inside;
}

// C11: an address from before the router's address changed still means the phone.
bool Inward::concerns(const Address& host) const {
    return host == egress_.advertised || mappings_.old_endpoints().knows(host, egress_.address);
}

std::optional<rewrite::Written> Inward::signalling(Transport transport, const Address& host,
                                                   rewrite::WrittenPort port, std::uint16_t standard,
                                                   bool via) const {
    if (!concerns(host)) return std::nullopt;
    const MappingEntry* entry = mappings_.find_named({transport, {host, port.number.value_or(standard)}});
    if (!entry || !entry->shown.inside || entry->mapping.inside.address != phone_) return std::nullopt;
    Endpoint inside = entry->mapping.inside;
    if (via && transport == Transport::udp)
        if (const Listener* listener = mappings_.listeners().find(inside)) inside.port = listener->responses;
    // An endpoint without a port stays without one if the public port is the standard port; else the port has
    // the form that the phone uses.
    rewrite::PortForm form = port.form;
    if (inside.port != standard)
        form = rewrite::PortForm::given;
    else if (port.number && entry->mapping.outside.port != standard)
        form = via ? entry->shown.via_form : entry->shown.uri_form;
    return rewrite::Written{inside, form};
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
    if (!entry) return std::nullopt;
    // C9: another phone is reached at its inside address, also if it handles NAT itself.
    const bool is_own = entry->mapping.inside.address == phone_;
    if (is_own && !entry->shown.inside && !entry->mapping.is_identity()) return std::nullopt;
    return entry->mapping.inside;
}

std::optional<Endpoint> Inward::of_another_phone(const Socket& socket) const {
    const MappingEntry* entry = mappings_.find_named(socket);
    if (!entry || entry->mapping.inside.address == phone_ || entry->mapping.is_identity())
        return std::nullopt;
    return entry->mapping.inside;
}

// An endpoint without a mapping was kept on the way out too, so it affects only its own line here.
bool Inward::refused_alone(const Socket& socket) const {
    return is_forbidden_port(socket.endpoint.port) || !mappings_.find_named(socket);
}

std::optional<Address> Inward::media_host(const Address& host) const {
    return this->host(host);
}

}  // namespace sipalg::nat
