// What bytes were taken for: the word that counts them, and what the list of flows is told.
#pragma once

#include <string_view>

#include "alg/core/flow_list.hpp"
#include "alg/core/state.hpp"
#include "alg/policy/reason.hpp"
#include "alg/sip/message.hpp"
#include "alg/sip/splitter.hpp"

namespace sipalg {

/// The word for bytes that are no message, and for a message that can't be read.
Reason reason_of(sip::Kind kind);
Reason reason_of(sip::ParseError error);

/// Puts a message, or bytes that are none, into the list of flows: for people, nothing is decided by it.
void note_flow(State& state, const FlowKey& key, Side from, Reason reason, std::string_view bytes, Time now);

}  // namespace sipalg
