// Resolves the media endpoints that a message announces: to endpoints of the phone inside, or of the peer.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "alg/call/session.hpp"
#include "alg/core/decision.hpp"
#include "alg/core/inspect_message.hpp"
#include "alg/core/state.hpp"

namespace sipalg {

/// Lives while one message is inspected. May make mappings in the state.
class EndpointResolver {
  public:
    /// `phone`: that of the message. `asked` receives the questions about NAT, and `changes` what gives way
    /// to new mappings.
    EndpointResolver(State& state, const Envelope& envelope, const Address& phone, Time now,
                     std::vector<PortQuestion>& asked, std::vector<Change>& changes)
        : state_(state), envelope_(envelope), phone_(phone), now_(now), asked_(asked), changes_(changes) {}

    /// An endpoint that the phone announces; nullopt: it must not be opened (X1, X2).
    std::optional<call::Resolved> own(const Socket& socket);
    /// An endpoint that the peer announces; nullopt: it is not that of a host.
    std::optional<call::Resolved> peer(const Socket& socket) const;
    /// Asks which port of the phone is behind a public UDP endpoint, unless the answer is known already.
    void ask(const Socket& outside);

  private:
    std::optional<call::Resolved> own_public(const Socket& socket);
    std::optional<call::Resolved> delegate(const Socket& socket) const;

    State& state_;
    const Envelope& envelope_;
    const Address phone_;
    const Time now_;
    std::vector<PortQuestion>& asked_;
    std::vector<Change>& changes_;
};

/// Whether the address can be that of a single host other than the router (X2).
bool is_some_host(const Address& address, const State& state);

}  // namespace sipalg
