#include "alg/core/note_step.hpp"

#include <unordered_set>

#include "alg/core/state.hpp"

namespace sipalg {

void note_step(State& state, const Envelope& envelope, Time now, const Decision& decision) {
    const sip::Message& message = state.message;
    const Address& phone =
        envelope.from == Side::inside ? envelope.source.address : envelope.destination.address;
    const call::Call* call = state.calls.find(message.call_id(), phone);
    if (!call) return;
    LadderStep step;
    step.method = message.method();
    if (!message.is_request()) step.status = static_cast<std::uint16_t>(message.status());
    step.reason = decision.reason;
    step.from = envelope.from;
    if (decision.rewritten)
        for (const rewrite::Edit& edit : state.edits.planned())
            step.places |= 1U << static_cast<unsigned>(edit.place);
    state.ladders.note(call->record_id, step, now);
}

// X7: the number of ladders is at most twice that of calls and 64.
void forget_old_ladders(State& state) {
    constexpr std::size_t few = 64;
    if (state.ladders.size() <= few + 2 * state.calls.all().size()) return;
    std::unordered_set<std::uint32_t> open;
    for (const auto& [key, call] : state.calls.all())
        open.insert(call.record_id);
    state.ladders.forget_unless([&](std::uint32_t call) { return open.contains(call); });
}

}  // namespace sipalg
