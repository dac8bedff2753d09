// Descriptions in unknown dialogs: of calls that began before the daemon did, or that were forgotten.
#pragma once

#include "alg/call/session.hpp"
#include "alg/kernel/effects.hpp"
#include "alg/nat/mappings.hpp"
#include "alg/sip/message.hpp"

namespace sipalg::call {

/// A message in a dialog that may describe media.
bool describes_in_dialog(const sip::Message& message);

/// Maps the phone's media endpoints, so that its description can name them (A3), for as long as they are
/// used. The peer's description is not known, so nothing is opened: the phone has to send first.
void map_unknown_dialog(const Session& session, const Egress& egress, Time now, nat::Mappings& mappings,
                        Effects& effects);

}  // namespace sipalg::call
