#include "alg/daemon/run/event_reasons.hpp"

#include "alg/core/report.hpp"

namespace sipalg::daemon {

// S2: a call or registration whose messages leave as they came.
void add_reasons(const State& state, std::span<Event> events) {
    for (Event& event : events) {
        const nat::PhonePeer ends{event.phone, event.peer};
        bool unmodified = false;
        if (event.kind == Event::Kind::call_offered) {
            const call::Call* call = state.calls.find(event.subject, event.phone);
            unmodified = call && call->unmodified;
        } else if (event.kind == Event::Kind::registered) {
            const auto [mode, handler] = state.handling(ends.phone, ends.peer);
            unmodified = mode == Mode::pinhole || (mode != Mode::rewrite && handler == nat::NatHandler::peer);
        } else {
            continue;
        }
        const Unchanged why = why_unchanged(state, ends, unmodified);
        if (why == Unchanged::no) continue;
        event.detail += why == Unchanged::phone_handles_nat ? "; messages need no change: "
                                                            : "; messages are not changed: ";
        event.detail += sentence(why);
    }
}

}  // namespace sipalg::daemon
