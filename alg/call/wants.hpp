// The endpoints and pinholes that a call needs by its negotiation (C2 to C5).
#pragma once

#include "alg/base/small_vector.hpp"
#include "alg/call/call.hpp"
#include "alg/policy/treatment.hpp"

namespace sipalg::call {

/// An endpoint of the phone that a call needs mapped, and the sources that may send to it.
struct Want {
    Socket inside;
    bool same_line = false;                ///< belongs to the same media line as the previous one
    bool latch = false;                    ///< the first other source that sends is let in too (C5)
    SmallVector<CallPinhole, 1> pinholes;  ///< pinhole.outside and shown are empty
};
/// Signalling, RTP and RTCP of most calls in place.
using Wants = SmallVector<Want, 3>;
/// The endpoints that must be open at this stage of the negotiation, each once.
Wants wanted(const Call& call, MediaSource source);

}  // namespace sipalg::call
