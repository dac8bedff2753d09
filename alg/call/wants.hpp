// The endpoints and pinholes that a call's negotiation asks for (C2 to C5).
#pragma once

#include <vector>

#include "alg/call/call.hpp"
#include "alg/policy/treatment.hpp"

namespace sipalg::call {

/// One endpoint of the phone that a call wants mapped, and who may send there.
struct Want {
    Socket inside;
    bool same_line = false;             ///< it belongs to the media line of the one before it
    bool latch = false;                 ///< the first other source that sends is let in as well (C5)
    std::vector<CallPinhole> pinholes;  ///< pinhole.outside and shown are empty
};
/// What is to be open at this stage of the negotiation; each endpoint once.
std::vector<Want> wanted(const Call& call, MediaSource source);

}  // namespace sipalg::call
