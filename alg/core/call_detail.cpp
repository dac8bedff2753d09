#include "alg/core/call_detail.hpp"

#include <algorithm>
#include <tuple>

#include "alg/core/state.hpp"

namespace sipalg {

namespace {

using call::Call;
using call::Dialog;
using Ends = TimerReport::Ends;

/// The same conditions as those of call::next_timeout(), without renewals in the kernel, which end nothing.
std::vector<TimerReport> timers_of(const Call& call, const call::Calls& calls, Time now) {
    std::vector<TimerReport> timers;
    const auto add = [&](Ends ends, EndReason why, Time until) {
        timers.push_back(
            {ends, why, std::max<std::int64_t>(0, std::chrono::ceil<Seconds>(until - now).count())});
    };
    if (call.state == Call::State::confirmed) {
        if (const auto until = calls.silent_until(call)) add(Ends::call, EndReason::silence, *until);
    } else {
        add(Ends::call, EndReason::no_final_answer, call.ringing_until);
    }
    bool forks = false;
    for (const Dialog& dialog : call.dialogs) {
        if (dialog.state == Dialog::State::ended) continue;
        forks = forks || (call.answered() && dialog.state == Dialog::State::early);
        if (dialog.has_session_timer()) add(Ends::dialog, EndReason::session_expired, dialog.session_until);
        for (const Boxed<call::Bye>& bye : dialog.byes)
            if (bye) add(Ends::dialog, EndReason::bye_unanswered, bye->until);
        for (const Boxed<call::Offer>& offer : dialog.offers)
            if (offer && offer->until != Time{0}) add(Ends::offer, EndReason::bye, offer->until);
    }
    if (forks) add(Ends::forks, EndReason::not_answered, call.forks_until);
    std::sort(timers.begin(), timers.end(), [](const auto& a, const auto& b) { return a.in_s < b.in_s; });
    return timers;
}

}  // namespace

std::string_view word(TimerReport::Ends ends) {
    switch (ends) {
        case Ends::call: return "call";
        case Ends::dialog: return "dialog";
        case Ends::forks: return "forks";
        case Ends::offer: return "offer";
    }
    return "";
}

std::string_view sentence(const TimerReport& timer) {
    if (timer.ends == Ends::forks) return "forks that have not been answered end";
    if (timer.ends == Ends::offer) return "the offer counts as refused if it gets no answer";
    switch (timer.why) {
        case EndReason::silence: return "the call ends if no media are seen";
        case EndReason::no_final_answer: return "the call ends if the INVITE gets no further response";
        case EndReason::session_expired: return "the dialog ends if its session timer is not refreshed";
        default: return "the dialog ends if the BYE gets no answer";
    }
}

std::vector<CallDetail> report_call(const State& state, std::string_view call_id, Time now) {
    std::vector<CallDetail> legs;
    for (const auto& [key, call] : state.calls.all()) {
        if (key.call_id != call_id) continue;
        CallDetail leg;
        leg.call = report_call(state, key, call);
        leg.timers = timers_of(call, state.calls, now);
        const Call* first = state.calls.find(call_id, key.phone);
        if (const Ladder* ladder = first ? state.ladders.find(first->record_id) : nullptr) {
            leg.begun = ladder->begun();
            leg.ladder = ladder->steps();
            leg.left_out = ladder->left_out();
        }
        legs.push_back(std::move(leg));
    }
    std::sort(legs.begin(), legs.end(), [](const auto& a, const auto& b) {
        return std::tie(a.call.started, a.call.phone) < std::tie(b.call.started, b.call.phone);
    });
    return legs;
}

}  // namespace sipalg
