// Classifies payloads, for the counters and for the list of flows.
#pragma once

#include <string_view>

#include "alg/core/flow_list.hpp"
#include "alg/core/state.hpp"
#include "alg/policy/reason.hpp"
#include "alg/sip/message.hpp"
#include "alg/sip/splitter.hpp"

namespace sipalg {

/// The reason for bytes that are not a message, or for a message that cannot be read.
Reason reason_of(sip::Kind kind);
Reason reason_of(sip::ParseError error);

/// Adds a message, or bytes that are not a message, to the list of flows. No decision depends on that list.
void note_flow(State& state, const FlowKey& key, Side from, Reason reason, std::string_view bytes, Time now);

}  // namespace sipalg
