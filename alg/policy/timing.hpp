// How long things live. The reasons stand with the numbers.
#pragma once

#include "alg/base/time.hpp"

namespace sipalg {

using namespace std::chrono_literals;

/// 64*T1 (RFC 3261 17.1.1.2): nothing of a transaction comes later. Also the wait of C3 and C6.
inline constexpr Time transaction_time = 32s;
/// Timer C is more than 3 minutes (RFC 3261 16.6): a ringing call is given up a little later, counted from
/// the last provisional response.
inline constexpr Time ringing_time = 200s;
/// A signalling mapping that nobody registered lives as long as a UDP stream in conntrack, above the two
/// minutes of RFC 4787 REQ-5.
inline constexpr Time idle_time = 180s;
/// The kernel keeps it so much longer, so that there still is something to renew when the time is up.
inline constexpr Time idle_margin = 5s;
/// A burst of deadlines is taken in steps, so that one transaction stays small.
inline constexpr int deadlines_at_once = 64;
/// How long after an answer media from an unannounced source are waited for (C5). Short, since whoever sends
/// first is let in (RFC 7362 4.2); longer than a phone takes to send, and a device behind NAT to find its
/// way.
inline constexpr Time latch_time = 10s;
/// Kernel timeout of a confirmed call's elements; renewed at half of it while the call lives (A5, X8).
inline constexpr Time confirmed_time = 600s;
/// RFC 4028 4: no session is refreshed more often, whatever a message says.
inline constexpr Time shortest_session = 90s;
/// A session is over when its interval has passed without a refresh (RFC 4028 10); the BYE that says so, or a
/// late refresh, may take a transaction's time.
inline constexpr Time session_grace = 32s;
/// A binding is let go this long after the registrar's time is up, because a refresh may be on its way.
inline constexpr Time registration_grace = 32s;
/// Conntrack forgets an idle UDP stream after two minutes by default, so calls are looked at more often than
/// that.
inline constexpr Time scan_interval = 45s;
/// After an INVITE or UPDATE that changed the session, the first sweep that can tell who is silent (O5): a
/// window after the sweep that the change itself brings.
inline constexpr Time audio_check_time = 11s;

}  // namespace sipalg
