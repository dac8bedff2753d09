// The summary of an ended call, for the log and the history.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "alg/base/time.hpp"
#include "alg/net/address.hpp"
#include "alg/policy/end_reason.hpp"

namespace sipalg {

/// Media of one stream of an ended call, by the latest conntrack scan before its end.
struct EndedMedia {
    enum class Known : std::uint8_t {
        nothing,   ///< no scan during the call
        presence,  ///< a count is 0 or 1 for "any": conntrack does not count packets
        packets
    };
    std::string type;  ///< "audio", "video", …
    Known known = Known::nothing;
    std::uint64_t sent = 0;      ///< packets of the phone
    std::uint64_t received = 0;  ///< packets of the peer
    friend bool operator==(const EndedMedia&, const EndedMedia&) = default;
};

struct EndedCall {
    std::string call_id;
    std::string from, to;  ///< URIs, at most 128 bytes each
    Address phone, peer;
    bool outgoing = false;  ///< the phone has called
    Time started{0};
    Time answered{0};  ///< 0: never
    Time ended{0};
    EndReason why = EndReason::bye;
    std::vector<EndedMedia> media;  ///< of an answered call, one for each endpoint of the phone
    friend bool operator==(const EndedCall&, const EndedCall&) = default;
};

}  // namespace sipalg
