// Copies messages and the decisions about them, for `watch` and `record`.
#pragma once

#include <span>
#include <string_view>

#include "alg/core/decision.hpp"
#include "alg/core/inspect_message.hpp"

namespace sipalg {

/// Adds a message to Decision::seen, without `after`. Only called with State::explain(true): it costs copies.
void note_seen(const State& state, const Envelope& envelope, std::string_view bytes, Reason reason,
               std::span<const Explained> places, Decision& decision);

}  // namespace sipalg
