// The part of the engine for packets that wait together; see group.hpp.
#include <exception>

#include "alg/daemon/config/log.hpp"
#include "alg/daemon/run/engine.hpp"

namespace sipalg::daemon {

namespace {

// One packet may be the last segment of several messages, and gives verdicts to segments before it.
bool can_wait(const Arrival& arrival) {
    return arrival.packet && arrival.packet->transport == Transport::udp;
}

bool has_effects(const Decision& decision) {
    return !decision.changes.empty() || !decision.stale.empty() || !decision.ended.empty();
}

}  // namespace

// P4
Action Engine::gather(const Arrival& arrival, Time now, std::size_t longest) {
    if (!can_wait(arrival)) {
        settle(now);
        return handle(arrival, now, longest);
    }
    if (state_.mode_of(arrival) == Mode::observe) return handle(arrival, now, longest);
    if (group_.is_full()) settle(now);
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
    // A packet without changes need not wait, unless a packet before it waits: the order of a flow is kept.
    if (group_.size() > 1 || has_effects(member.decision)) return {Action::Kind::wait, {}};
    state_.commit();
    finish(member, now);
    group_.clear();
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
        sipalg::inspect(state_, member.arrival, now, decision);
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
    for (std::size_t i = 0; i < group_.size(); ++i)
        if (emit_) emit_(group_[i].verdict);
    group_.clear();
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
        member.verdict.kind = action.kind == Action::Kind::replace ? Output::Kind::replace
                              : action.kind == Action::Kind::drop  ? Output::Kind::drop
                                                                   : Output::Kind::pass;
        member.verdict.bytes.assign(action.packet.begin(), action.packet.end());
        if (emit_) emit_(member.verdict);
    }
    group_.clear();
}

}  // namespace sipalg::daemon
