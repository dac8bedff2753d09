// The part of the engine for packets that wait together; see group.hpp.
#include <exception>

#include "alg/daemon/config/log.hpp"
#include "alg/daemon/run/engine.hpp"

namespace sipalg::daemon {

namespace {

// A segment without bytes changes nothing in the kernel, so that nothing needs to be taken back.
bool is_bare_segment(const Arrival& arrival) {
    return arrival.packet && arrival.packet->transport == Transport::tcp && arrival.packet->payload.empty();
}

// A segment without an output waits for the rest of its message, which may be in the same read.
bool has_to_wait(const Decision& decision) {
    return !decision.changes.empty() || !decision.stale.empty() || !decision.ended.empty() ||
           (decision.stream && decision.outputs.empty());
}

}  // namespace

// P4
Action Engine::gather(const Arrival& arrival, Time now, std::size_t longest) {
    if (state_.mode_of(arrival) == Mode::observe) return handle(arrival, now, longest);
    if (group_.is_full()) settle(now);
    if ((group_.empty() && is_bare_segment(arrival)) || !can_group(state_, arrival)) {
        settle(now);
        return handle(arrival, now, longest);
    }
    explain_if_read();
    Group::Member& member = group_.add(arrival, longest);
    if (!decide(member, now)) {
        Arrival alone = arrival;
        alone.again = member.decision.asked.empty();
        group_.remove_last();
        state_.cancel();
        settle_again(now);
        return handle(alone, now, longest);
    }
    // Any other packet leaves at once, unless a packet before it waits: the order of a flow is kept.
    if (group_.size() > 1 || has_to_wait(member.decision)) return {Action::Kind::wait, {}};
    state_.commit();
    finish(member, now);
    group_.clear();
    if (member.decision.stream) return take_outputs(member.decision, arrival);
    switch (member.verdict.kind) {
        case Output::Kind::replace: return {Action::Kind::replace, member.verdict.bytes};
        case Output::Kind::drop: return {Action::Kind::drop, {}};
        default: return {};
    }
}

// False: the packet must be decided alone, because the core asks the kernel, the packet is too long, or
// memory is missing.
bool Engine::decide(Group::Member& member, Time now) {
    Decision& decision = member.decision;
    try {
        inspect_in_group(state_, member.arrival, now, decision);
        if (!decision.asked.empty()) return false;
        if (decision.rewritten || decision.destination_port) {
            member.verdict.kind = Output::Kind::replace;
            return build_packet(member.arrival, decision, member.longest, member.verdict.bytes);
        }
        member.verdict.kind = decision.dropped ? Output::Kind::drop : Output::Kind::pass;
        return true;
    } catch (const std::exception& error) {
        log::debug("cannot decide about a packet: {}", error.what());
        return false;
    }
}

// Laws 1 and 4: no message of the group leaves, and nothing is reported, before the kernel has acknowledged
// the changes of all.
void Engine::settle(Time now) {
    if (group_.empty()) return;
    if (!apply_group()) {
        state_.cancel();
        handle_each(now);
        return;
    }
    state_.commit();
    for (std::size_t i = 0; i < group_.size(); ++i)
        finish(group_[i], now);
    erase_ended(group_.ended());
    if (emit_)
        for (std::size_t i = 0; i < group_.size(); ++i)
            emit(group_[i]);
    group_.clear();
}

// A segment of a connection that is read has outputs, or none if it waits for the rest of a message.
void Engine::emit(Group::Member& member) {
    if (!member.decision.stream) return emit_(member.verdict);
    for (const Output& output : member.decision.outputs)
        emit_(output);
    member.decision.outputs.clear();  // the next use of its place may be much later (P5)
}

bool Engine::apply_group() {
    try {
        if (const auto stale = group_.stale(); !stale.empty()) kernel_.erase(stale);
        const auto changes = group_.changes();
        if (changes.empty()) return true;
        const auto outcome = kernel_.apply(changes);
        if (!outcome && group_.size() > 1)
            log::debug("the kernel refused the changes of {} packets; each is decided again: {}",
                       group_.size(), outcome.error());
        return static_cast<bool>(outcome);
    } catch (const std::exception& error) {
        log::debug("cannot send the changes of packets to the kernel: {}", error.what());
        return false;
    }
}

void Engine::finish(Group::Member& member, Time now) {
    if (member.decision.stream)
        count_stream(member.decision, true);
    else
        count(member.decision.reason);
    try {
        announce(member.decision, now);
    } catch (const std::exception& error) {
        log::debug("cannot report a message: {}", error.what());
    }
}

// After a cancel: decides again about a group whose last packet was removed.
void Engine::settle_again(Time now) {
    for (std::size_t i = 0; i < group_.size(); ++i) {
        group_[i].arrival.again = true;
        if (decide(group_[i], now)) continue;
        state_.cancel();
        handle_each(now);
        return;
    }
    settle(now);
}

// After a cancel: decides again about each packet alone, in order.
void Engine::handle_each(Time now) {
    for (std::size_t i = 0; i < group_.size(); ++i) {
        Group::Member& member = group_[i];
        member.arrival.again = true;
        const Action action = handle(member.arrival, now, member.longest);
        if (action.kind == Action::Kind::wait) continue;
        member.verdict.kind = action.kind == Action::Kind::replace ? Output::Kind::replace
                              : action.kind == Action::Kind::drop  ? Output::Kind::drop
                                                                   : Output::Kind::pass;
        member.verdict.bytes.assign(action.packet.begin(), action.packet.end());
        if (emit_) emit_(member.verdict);
    }
    group_.clear();
}

}  // namespace sipalg::daemon
