// Session descriptions in unknown dialogs: of calls that are older than the daemon, or no longer in the
// table.
#pragma once

#include "alg/call/session.hpp"
#include "alg/kernel/effects.hpp"
#include "alg/nat/mappings.hpp"
#include "alg/sip/message.hpp"

namespace sipalg::call {

/// A message in a dialog that may describe media.
bool describes_in_dialog(const sip::Message& message);

/// Maps the phone's media endpoints for as long as they are used, so that its description can name them (A3).
/// Opens nothing, because the peer's description is not known: the phone has to send first.
void map_unknown_dialog(const Session& session, const Egress& egress, Time now, nat::Mappings& mappings,
                        Effects& effects);

/// Maps the phone's own endpoints in a description that the known call did not use, for example that of a
/// second leg with the same Call-ID at the same phone. Existing mappings do not change.
void map_remaining(const Session& session, const Address& phone, const Egress& egress, Time now,
                   nat::Mappings& mappings, Effects& effects);

}  // namespace sipalg::call
