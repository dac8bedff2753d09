// A SIP message with its two ends, as calls and registrations get it.
#pragma once

#include <cstddef>
#include <string_view>

#include "alg/base/time.hpp"
#include "alg/net/address.hpp"
#include "alg/policy/policy.hpp"
#include "alg/sip/message.hpp"

namespace sipalg {

/// Bytes of a Call-ID, tag, branch or AOR: more than any real element makes. They are compared whole and
/// kept whole (law 7), so a message with a longer one makes and changes no state (X7).
inline constexpr std::size_t max_identifier = 512;

/// A message with what the inspection has found out about it.
struct ReceivedMessage {
    const sip::Message& message;
    Side from = Side::inside;
    Address phone;   ///< inside
    Address peer;    ///< outside
    Socket contact;  ///< the phone's signalling endpoint: its Contact, else its end of the packet
    Egress egress;
    bool unmodified = false;  ///< the message is not rewritten, nor are those of a call that it begins
    Time now{0};

    /// X4: the tags as the phone sees them, whichever side sends.
    std::string_view local_tag() const;
    std::string_view remote_tag() const;
    /// Of the topmost Via; empty: none.
    std::string_view branch() const;
    /// None of its Call-ID, tags and branch is longer than max_identifier.
    [[nodiscard]] bool has_bounded_identifiers() const;
    /// The side that sent this request, or the request of this response.
    Side requester() const;
};

}  // namespace sipalg
