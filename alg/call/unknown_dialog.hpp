// Descriptions in dialogs that nobody here knows: of calls that are older than we are, or that were
// forgotten.
#pragma once

#include "alg/call/session.hpp"
#include "alg/kernel/effects.hpp"
#include "alg/nat/mappings.hpp"
#include "alg/sip/message.hpp"

namespace sipalg::call {

/// Whether a phone's message describes media in a dialog that is under way.
bool describes_in_dialog(const sip::Message& message);

/// Maps where the phone receives, so that its description can name it (A3), for as long as flows of the
/// phone's go through. What the peer has said is not known, so nothing is opened: the phone has to send
/// first.
void map_unfollowed(const Session& session, const Egress& egress, Time now, nat::Mappings& mappings,
                    Effects& effects);

}  // namespace sipalg::call
