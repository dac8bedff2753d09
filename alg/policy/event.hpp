// Events of calls and registrations, for the log.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "alg/net/address.hpp"
#include "alg/policy/ended_call.hpp"

namespace sipalg {

/// An event of a call or registration: one line in the log.
struct Event {
    enum class Kind : std::uint8_t {
        call_offered,
        call_answered,
        call_ended,
        media_missing,
        media_latched,
        registered,
        unregistered,
        renumbered,         ///< the router's address has changed; the subject is the old one
        sip_found,          ///< SIP on a port that is not configured; the subject is the server's endpoint
        unreachable_phone,  ///< a static phone's port is taken outside; the subject is the phone's endpoint
        peer_handles_nat,   ///< its messages with the phone pass unmodified from now on (S2)
        phone_handles_nat,  ///< it writes its own public address
        listens_elsewhere,  ///< the phone sends from one port and listens at another
        body_sealed,        ///< a description that names the phone may not be changed (S5): a warning
    };
    Kind kind = Kind::call_offered;
    std::string subject;               ///< Call-ID or AOR
    std::string detail;                ///< a sentence for the log
    Address phone{}, peer{};           ///< its two ends, where they are known
    std::optional<EndedCall> ended{};  ///< with call_ended
};

inline constexpr std::size_t event_kinds = static_cast<std::size_t>(Event::Kind::body_sealed) + 1;

}  // namespace sipalg
