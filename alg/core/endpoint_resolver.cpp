#include "alg/core/endpoint_resolver.hpp"

#include <algorithm>

namespace sipalg {

namespace {

bool is_sip_port(const State& state, std::uint16_t port) {
    const auto& ports = state.policy.sip_ports;
    return std::find(ports.begin(), ports.end(), port) != ports.end();
}

}  // namespace

bool is_some_host(const Address& address, const State& state) {
    return address && !address.is_unspecified() && !address.is_loopback() && !address.is_multicast() &&
           !address.is_broadcast() && !state.own_addresses.contains(address);
}

void EndpointResolver::ask(const Socket& outside) {
    const PortQuestion question{outside.endpoint, phone_};
    if (envelope_.answered || outside.transport != Transport::udp || asked_.size() >= Decision::most_asked ||
        std::find(asked_.begin(), asked_.end(), question) != asked_.end())
        return;
    asked_.push_back(question);
}

// X1, X2.
std::optional<call::Resolved> EndpointResolver::own(const Socket& socket) {
    const Address& address = socket.endpoint.address;
    const std::uint16_t port = socket.endpoint.port;
    if (nat::is_forbidden_port(port) || is_sip_port(state_, port)) return std::nullopt;
    const Endpoint inside{phone_, port};
    if (address == phone_) return call::Resolved{inside};
    if (state_.policy.treatments.is_delegate(phone_, address)) return delegate(socket);
    if (address.is_unspecified()) {
        const bool known =
            state_.mappings.find(nat::MappingKey{{socket.transport, inside}, envelope_.egress.address});
        return known ? std::optional(call::Resolved{inside}) : std::nullopt;
    }
    if (address != envelope_.egress.advertised) return std::nullopt;
    return own_public(socket);
}

// The phone writes its own public address (S2). The port must be one that maps to this phone, never to
// another host: by a mapping in the kernel, else by a flow of the phone, else by a mapping of the past.
std::optional<call::Resolved> EndpointResolver::own_public(const Socket& socket) {
    const auto if_own = [&](const Endpoint& end) {
        const bool is_own = end.address == phone_ && !is_sip_port(state_, end.port);
        return is_own ? std::optional(call::Resolved{end}) : std::nullopt;
    };
    const nat::MappingEntry* entry = state_.mappings.find_public(socket);
    if (entry && !state_.mappings.is_lingering(*entry, now_)) return if_own(entry->mapping.inside);
    const Socket outside{socket.transport, {envelope_.egress.address, socket.endpoint.port}};
    ask(outside);
    const nat::ExistingNat& existing = state_.mappings.existing_nat();
    const Endpoint* mapped = existing.find_public(outside);
    // Without either it is the same port on the phone, unless NAT is known to change the phone's ports.
    const bool guess = !existing.changes_ports(phone_);
    if (!mapped && entry && (guess || entry->mapping.inside.port != outside.endpoint.port))
        mapped = &entry->mapping.inside;
    if (!mapped && !guess) return std::nullopt;
    const auto end = if_own(mapped ? *mapped : Endpoint{phone_, socket.endpoint.port});
    if (!end) return std::nullopt;
    const auto* made = state_.mappings.map({socket.transport, end->endpoint}, envelope_.egress,
                                           {outside.endpoint.port, 1, true}, now_, changes_);
    return made && made->mapping.outside.port == outside.endpoint.port ? end : std::nullopt;
}

// N5. If the phone is not translated, the router has no address for
// a delegate that is.
std::optional<call::Resolved> EndpointResolver::delegate(const Socket& socket) const {
    const Address& address = socket.endpoint.address;
    const bool shown = !state_.policy.treatments.is_translated(address) || envelope_.egress.address != phone_;
    if (!shown || !is_some_host(address, state_)) return std::nullopt;
    return call::Resolved{socket.endpoint};
}

std::optional<call::Resolved> EndpointResolver::peer(const Socket& socket) const {
    const Address& address = socket.endpoint.address;
    if (const nat::MappingEntry* entry = state_.mappings.find_named(socket))
        return call::Resolved{entry->mapping.inside, true};
    const bool understood = address.family() == phone_.family() ||
                            state_.policy.treatments.has_delegates(phone_, address.family());
    if (!understood || !is_some_host(address, state_)) return std::nullopt;
    return call::Resolved{socket.endpoint};
}

}  // namespace sipalg
