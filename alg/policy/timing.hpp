// Lifetimes and intervals, with their reasons.
#pragma once

#include <algorithm>

#include "alg/base/time.hpp"

namespace sipalg {

using namespace std::chrono_literals;

/// 64*T1 (RFC 3261 17.1.1.2), after which every transaction has ended. C3 and C6 wait for this time too.
inline constexpr Time transaction_time = 32s;
/// A ringing call ends this long after the last provisional response: a little later than timer C, which is
/// more than 3 minutes (RFC 3261 16.6).
inline constexpr Time ringing_time = 200s;
/// A provisional response prolongs the ringing only if it gains at least this much, so timer C still passes.
inline constexpr Time ringing_step = 16s;
/// How long a packet of the peer proves it, unless a registration or a call keeps it proven (X11).
inline constexpr Time proof_time = 120s;
/// A signalling mapping without a binding lives as long as a UDP stream in conntrack, more than the two
/// minutes of RFC 4787 REQ-5.
inline constexpr Time idle_time = 180s;
/// The longest time for which the kernel keeps a mapping that no call uses any more, for the next call (P2):
/// as long as conntrack keeps a UDP stream.
inline constexpr Time linger_time = 180s;
/// The kernel keeps a mapping this much longer, so that it can still be renewed when its time has passed.
inline constexpr Time idle_margin = 5s;
/// The most deadlines that one transaction handles, so that it stays small.
inline constexpr int deadlines_at_once = 64;
/// How long a latch is open after an answer (C5): short, because it lets in the first sender (RFC 7362 4.2),
/// but long enough for a phone behind NAT to start sending.
inline constexpr Time latch_time = 10s;
/// Kernel timeout of a confirmed call's elements; renewed at half of it while the call lives (A5, X8).
inline constexpr Time confirmed_time = 600s;
/// The minimum session interval (RFC 4028 4); smaller values in messages are raised to it.
inline constexpr Time shortest_session = 90s;
/// Grace after a session interval that passed without a refresh (RFC 4028 10): the BYE, or a late refresh,
/// may take the time of a transaction.
inline constexpr Time session_grace = 32s;
/// A binding ends this long after the lifetime that the registrar granted, because a refresh may be on its
/// way.
inline constexpr Time registration_grace = 32s;
/// Whether a kernel timeout that ends at `kernel_until` should be extended to `until`. Small extensions are
/// skipped, because they would cost a transaction for each message: elements of calls are renewed in time
/// anyway, and those of bindings have the grace period.
inline bool is_worth_renewing(Time kernel_until, Time until, Time now) {
    return until - kernel_until > std::min<Time>(registration_grace, (until - now) / 4);
}
/// The interval between scans: shorter than the two minutes after which conntrack forgets an idle UDP stream
/// by default.
inline constexpr Time scan_interval = 45s;
/// How often a call without media looks for the scan that confirms it (C6).
inline constexpr Time confirm_silence_every = 1s;
/// The shortest time between two scans of the whole table that calls without media ask for.
inline constexpr Time whole_scan_pause = 10s;
/// The time from a change of the session to the first conntrack scan that can tell which end is silent (O5):
/// one window after the scan that the change itself causes.
inline constexpr Time audio_check_time = 11s;

}  // namespace sipalg
