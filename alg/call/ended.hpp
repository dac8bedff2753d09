// Makes the summary of a call that ends.
#pragma once

#include "alg/call/audio_check.hpp"
#include "alg/call/call.hpp"
#include "alg/dialog/call_key.hpp"
#include "alg/policy/ended_call.hpp"

namespace sipalg::call {

/// O9. Call it before the mappings are released, because the packet counts are found by them.
EndedCall ended_call(const CallKey& key, const Call& call, const AudioCheck& audio, EndReason why, Time now);

}  // namespace sipalg::call
