// The timeouts of a call: the time of the next one, and the dialogs and offers that they end.
#pragma once

#include <optional>

#include "alg/base/time.hpp"
#include "alg/call/call.hpp"
#include "alg/policy/ended_call.hpp"

namespace sipalg::call {

/// When the earliest timeout of the call is due. `silent_until` returns when a confirmed call ends if no
/// media arrive (C6); nullopt: silence does not end it.
Time next_timeout(const Call& call, std::optional<Time> silent_until);

/// Limits the times of a call that was read from a record, which may be damaged: a session lasts a day at
/// most.
void limit_times(Call& call, Time now);

/// The effect of timeouts in the dialogs of a call.
struct TimedOut {
    bool changed = false;  ///< a dialog or an offer has ended
    /// The reason if the call has no dialog left.
    EndReason why = EndReason::bye;
};
/// Ends the dialogs and offers whose timeouts have passed.
TimedOut end_timed_out(Call& call, Time now);

}  // namespace sipalg::call
