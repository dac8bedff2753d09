// The delivery of messages to phones that send from one port and listen at another.
#pragma once

#include <cstdint>
#include <optional>

#include "alg/base/time.hpp"
#include "alg/core/inspect_message.hpp"
#include "alg/core/state.hpp"
#include "alg/kernel/effects.hpp"
#include "alg/net/address.hpp"

namespace sipalg {

/// Notes that the phone, whose request is in `state.message`, listens at another port than it sends from
/// (S4): its Via names that port, and there is no rport (RFC 3581). The Via is then written with the public
/// end of the flow by which the request leaves. `contact`: the phone's own in the request, if it has one.
/// False: it listens where it sends from, or there is no room.
[[nodiscard]] bool note_listener(State& state, const Envelope& envelope, const std::optional<Socket>& contact,
                                 Time now, Effects& effects);

/// The phone's port to which the message from outside in `state.message` must be delivered, if it was sent to
/// a port from which the phone only sends.
std::optional<std::uint16_t> delivery_port(const State& state, const Envelope& envelope);

}  // namespace sipalg
