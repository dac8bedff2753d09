#include "alg/call/timeouts.hpp"

#include <algorithm>
#include <iterator>

#include "alg/policy/timing.hpp"
#include "alg/sip/delta_seconds.hpp"

namespace sipalg::call {

Time next_timeout(const Call& call, std::optional<Time> silent_until) {
    Time due = call.renew_at;
    switch (call.state) {
        case Call::State::offered:
        case Call::State::early: due = std::min(due, call.ringing_until); break;
        case Call::State::confirmed:
            if (silent_until) due = std::min(due, *silent_until);
            break;
    }
    for (const Dialog& dialog : call.dialogs) {
        if (dialog.state == Dialog::State::ended) continue;
        if (call.answered() && dialog.state == Dialog::State::early) due = std::min(due, call.forks_until);
        if (dialog.has_session_timer()) due = std::min(due, dialog.session_until);
        for (const Boxed<Bye>& bye : dialog.byes)
            if (bye) due = std::min(due, bye->until);
        for (const Boxed<Offer>& offer : dialog.offers)
            if (offer) due = std::min(due, offer->until);
    }
    return due;
}

// C8
void limit_times(Call& call, Time now) {
    const Time latest = now + Seconds{sip::longest_delta} + registration_grace;
    for (Time* until : {&call.ringing_until, &call.forks_until})
        *until = std::min(*until, latest);
    for (Dialog& dialog : call.dialogs)
        dialog.session_until = std::min(dialog.session_until, latest);
}

// C3, C4, C6.
TimedOut end_timed_out(Call& call, Time now) {
    TimedOut result;
    // If only early forks time out here, the other dialogs have ended by an answered BYE.
    for (Dialog& dialog : call.dialogs) {
        if (dialog.state == Dialog::State::ended) continue;
        const bool bye_lost = std::any_of(std::begin(dialog.byes), std::end(dialog.byes),
                                          [&](const auto& bye) { return bye && bye->until <= now; });
        const bool fork_lost = call.state == Call::State::confirmed && dialog.state == Dialog::State::early &&
                               call.forks_until <= now;
        const bool session_over = dialog.has_session_timer() && dialog.session_until <= now;
        if (bye_lost)
            result.why = EndReason::bye_unanswered;
        else if (session_over)
            result.why = EndReason::session_expired;
        // An offer whose transaction has timed out counts as refused (C4).
        for (Boxed<Offer>& offer : dialog.offers)
            if (offer && offer->until <= now) {
                offer.reset();
                result.changed = true;
            }
        if (bye_lost || fork_lost || session_over) {
            dialog.state = Dialog::State::ended;
            result.changed = true;
        }
    }
    return result;
}

}  // namespace sipalg::call
