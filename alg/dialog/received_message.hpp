// A SIP message with its two ends, the input of calls and registrations.
#pragma once

#include <cstddef>
#include <string_view>

#include "alg/base/time.hpp"
#include "alg/net/address.hpp"
#include "alg/policy/policy.hpp"
#include "alg/sip/message.hpp"

namespace sipalg {

/// The longest Call-ID, tag, branch or AOR in bytes, which no known device exceeds. Identifiers are stored
/// and compared in full (law 7), so a message with a longer one changes no state (X7).
inline constexpr std::size_t max_identifier = 512;

/// A message with its context from the inspection.
struct ReceivedMessage {
    const sip::Message& message;
    Side from = Side::inside;
    Address phone;   ///< inside
    Address peer;    ///< outside
    Socket contact;  ///< the phone's signalling endpoint: its Contact, else its end of the packet
    Egress egress;
    bool unmodified = false;  ///< the message is not rewritten, and a call that it begins is not either
    Time now{0};
    bool proven = false;  ///< the pair of phone and peer is proven (X11)

    /// X4: the tags from the point of view of the phone, for both directions.
    std::string_view local_tag() const;
    std::string_view remote_tag() const;
    /// The branch of the topmost Via; empty: none.
    std::string_view branch() const;
    /// Whether Call-ID, tags and branch are not longer than max_identifier.
    [[nodiscard]] bool has_bounded_identifiers() const;
    /// The side that sent this request, or the request of this response.
    Side requester() const;
};

}  // namespace sipalg
