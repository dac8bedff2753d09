// Lifetimes and intervals, with their reasons.
#pragma once

#include <algorithm>

#include "alg/base/time.hpp"

namespace sipalg {

using namespace std::chrono_literals;

/// 64*T1 (RFC 3261 17.1.1.2): the end of every transaction. Also the wait of C3 and C6.
inline constexpr Time transaction_time = 32s;
/// Timer C is more than 3 minutes (RFC 3261 16.6): a ringing call is given up a little later, counted from
/// the last provisional response.
inline constexpr Time ringing_time = 200s;
/// A signalling mapping without a binding lives as long as a UDP stream in conntrack, more than the two
/// minutes of RFC 4787 REQ-5.
inline constexpr Time idle_time = 180s;
/// The kernel keeps it this much longer, so that it can still be renewed when the time is up.
inline constexpr Time idle_margin = 5s;
/// A burst of deadlines is handled in steps, so that a transaction stays small.
inline constexpr int deadlines_at_once = 64;
/// How long after an answer a latch is open (C5). Short, since the first sender is let in (RFC 7362 4.2);
/// long enough for a phone behind NAT to start sending.
inline constexpr Time latch_time = 10s;
/// Kernel timeout of a confirmed call's elements; renewed at half of it while the call lives (A5, X8).
inline constexpr Time confirmed_time = 600s;
/// RFC 4028 4: no session is refreshed more often, whatever a message says.
inline constexpr Time shortest_session = 90s;
/// A session ends when its interval passes without a refresh (RFC 4028 10); its BYE, or a late refresh, may
/// take a transaction's time.
inline constexpr Time session_grace = 32s;
/// A binding ends this long after the registrar's time is up, because a refresh may be on its way.
inline constexpr Time registration_grace = 32s;
/// Whether a kernel timeout that ends at `kernel_until` is to be moved to `until`. To do so for every small
/// step would be a transaction a message: an element that ends a little early is renewed in time (calls), or
/// the grace covers it (bindings).
inline bool is_worth_renewing(Time kernel_until, Time until, Time now) {
    return until - kernel_until > std::min<Time>(registration_grace, (until - now) / 4);
}
/// Conntrack forgets an idle UDP stream after two minutes by default, so it is scanned more often than that.
inline constexpr Time scan_interval = 45s;
/// The time from a change of the session to the first conntrack scan that can tell which end is silent (O5):
/// one window after the scan that the change itself brings.
inline constexpr Time audio_check_time = 11s;

}  // namespace sipalg
