// Makes the call that an INVITE begins.
#pragma once

#include "alg/call/call.hpp"
#include "alg/call/follow.hpp"

namespace sipalg::call {

/// The call of an INVITE in no dialog, or of a re-INVITE in a dialog that began before the daemon did. It has
/// no record_id yet, and no offer: call::follow() notes that.
Call new_call(const DescribedMessage& received);

}  // namespace sipalg::call
