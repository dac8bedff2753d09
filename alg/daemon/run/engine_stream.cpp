// The part of the engine for TCP: a packet may give verdicts to those that were queued before it.
#include "alg/daemon/run/engine.hpp"

namespace sipalg::daemon {

Action Engine::conclude_stream(const Arrival& arrival, bool in_force, Time now) {
    conclude(state_, in_force, now, decision_);
    count_stream(decision_, in_force);
    return take_outputs(decision_, arrival);
}

void Engine::count_stream(const Decision& decision, bool in_force) {
    if (decision.reasons.empty()) count(decision.reason);
    for (const Reason reason : decision.reasons)
        count(!in_force && reason == Reason::rewritten ? Reason::kernel_refused : reason);
}

// Emits the outputs for other packets, and returns the one for this packet.
Action Engine::take_outputs(Decision& decision, const Arrival& arrival) {
    Action action{Action::Kind::wait, {}};
    for (Output& output : decision.outputs) {
        if (output.kind == Output::Kind::inject || output.token != arrival.token) {
            if (emit_) emit_(output);
            continue;
        }
        if (output.kind == Output::Kind::replace) {
            packet_.swap(output.bytes);
            action = {Action::Kind::replace, packet_};
        } else {
            action.kind = output.kind == Output::Kind::drop ? Action::Kind::drop : Action::Kind::pass;
        }
    }
    return action;
}

void Engine::emit_all() {
    for (const Reason reason : decision_.reasons)
        count(reason);
    if (emit_)
        for (const Output& output : decision_.outputs)
            emit_(output);
}

void Engine::end_connections(Time now) {
    sipalg::end_connections(state_, now, decision_);
    emit_all();
}

}  // namespace sipalg::daemon
