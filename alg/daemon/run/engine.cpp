#include "alg/daemon/run/engine.hpp"

#include <algorithm>
#include <array>
#include <exception>
#include <iterator>

#include "alg/base/earliest.hpp"
#include "alg/base/escape.hpp"
#include "alg/core/renumber.hpp"
#include "alg/daemon/config/log.hpp"
#include "alg/daemon/run/event_reasons.hpp"
#include "alg/facts/mask.hpp"
#include "alg/facts/text.hpp"
#include "alg/kernel/record.hpp"

namespace sipalg::daemon {

namespace {

constexpr Time retry_after{1000};
// The consequence of a refusal, for the log.
constexpr const char* passed = "the message is forwarded unmodified";
constexpr const char* again = "it will be tried again";
constexpr const char* observe_only = "observe only: ";

}  // namespace

// O4: the outcome of each message, for troubleshooting.
void Engine::log_messages(std::span<const SeenMessage> seen, const char* before) const {
    if (!log::writes(LogLevel::debug)) return;
    for (const SeenMessage& one : seen) {
        const std::string line = facts::line(facts::describe(one));
        log::debug("{}{}", before, mask_numbers_ ? facts::mask_numbers(line) : line);
    }
}

void Engine::mask_numbers(bool mask) {
    mask_numbers_ = mask;
    event_log_.mask_numbers(mask);
    history_.mask_numbers(mask);
}

// Messages are copied only if a log line or a reader needs them (P1).
void Engine::explain_if_read() {
    const bool wanted =
        (feed_ && feed_->interest() == facts::Interest::everything) || log::writes(LogLevel::debug);
    if (wanted != state_.explaining) state_.explain(wanted);
    State& observed = observer_.state();
    if (wanted != observed.explaining) observed.explain(wanted);
}

void Engine::set_interest(facts::Interest interest) {
    if (feed_) feed_->set_interest(interest, state_, observer_.state());
}

void Engine::tell_refused(Reason reason, Time now) {
    for (SeenMessage& seen : decision_.seen) {
        seen.reason = reason;
        seen.after.clear();
    }
    log_messages(decision_.seen, "");
    if (feed_) feed_->take_refused(decision_, reason, now);
}

// S2: no message waits, because the kernel answers at once.
void Engine::inspect(const Arrival& arrival, Time now) {
    sipalg::inspect(state_, arrival, now, decision_);
    if (decision_.asked.empty()) return;
    state_.cancel();
    try {
        for (const PortQuestion& question : decision_.asked)
            if (const auto port = kernel_.inside_port(question))
                state_.mappings.existing_nat().note_seen(
                    {Transport::udp, {question.phone, *port}, question.outside});
            else
                state_.scan.note_unanswered();
    } catch (const std::exception& error) {
        log::debug("cannot read the translation of a phone's flow: {}", error.what());
    }
    Arrival answered = arrival;
    answered.answered = true;
    sipalg::inspect(state_, answered, now, decision_);
}

Action Engine::handle(const Arrival& arrival, Time now, std::size_t longest) {
    explain_if_read();
    if (state_.mode_of(arrival) == Mode::observe) return observe(arrival, now);
    Reason reason = Reason::unreadable_packet;
    Action result;
    try {
        inspect(arrival, now);
        reason = decision_.reason;
        if (decision_.stream) return conclude_stream(arrival, put_in_force(now, passed), now);
        const bool replaced = decision_.rewritten || decision_.destination_port;
        if (replaced && !build_packet(arrival, decision_, longest, packet_)) {
            reason = Reason::too_long;
            state_.ladders.refuse(reason);
            state_.cancel();
            tell_refused(reason, now);
        } else if (!put_in_force(now, passed)) {
            reason = Reason::kernel_refused;
        } else if (replaced) {
            result = {Action::Kind::replace, packet_};
        } else if (decision_.dropped) {
            result.kind = Action::Kind::drop;
        }
    } catch (const std::exception& error) {
        state_.cancel();
        log_refusal(error.what(), passed, now);
        if (decision_.stream) return conclude_stream(arrival, false, now);
        reason = Reason::kernel_refused;
    }
    count(reason);
    return result;
}

Action Engine::observe(const Arrival& arrival, Time now) {
    try {
        const Observer::Seen seen = observer_.see(arrival, now);
        count(seen.reason);
        log(seen.events, observe_only, now);
        log_messages(observer_.decision().seen, observe_only);
        if (feed_) feed_->take(observer_.state(), observer_.decision(), now, true);
    } catch (const std::exception& error) {
        observer_.state().cancel();
        log::debug("cannot observe a packet: {}", error.what());
    }
    return {};
}

bool Engine::build_packet(const Arrival& arrival, const Decision& decision, std::size_t longest,
                          std::vector<std::uint8_t>& packet) {
    if (!arrival.packet) return false;
    const std::string_view payload =
        decision.rewritten ? std::string_view(decision.payload) : arrival.packet->payload;
    return replace_payload(arrival.bytes, *arrival.packet, payload, packet, decision.destination_port) &&
           packet.size() <= longest;
}

bool Engine::put_in_force(Time now, const char* otherwise) {
    if (!decision_.stale.empty()) kernel_.erase(decision_.stale);
    if (!decision_.changes.empty()) {
        if (const auto outcome = kernel_.apply(decision_.changes); !outcome) {
            state_.ladders.refuse(Reason::kernel_refused);
            state_.cancel();
            log_refusal(outcome.error(), otherwise, now);
            tell_refused(Reason::kernel_refused, now);
            return false;
        }
    }
    state_.commit();
    announce(decision_, now);
    erase_ended(decision_.ended);
    return true;
}

void Engine::announce(Decision& decision, Time now) {
    add_reasons(state_, decision.events);
    log(decision.events, "", now);
    log_messages(decision.seen, "");
    if (feed_) feed_->take(state_, decision, now, false);
}

void Engine::erase_ended(std::span<const ConntrackTuple> ended) {
    if (ended.empty()) return;
    try {
        kernel_.erase(ended);
    } catch (const std::exception& error) {
        // The changes are in force; the next scan finds these entries as well.
        log::debug("cannot delete the conntrack entries of closed media (the next scan will): {}",
                   error.what());
    }
}

std::optional<Time> Engine::advance(Time now) {
    const auto observed = observer_.advance(now);
    log(observed.events, observe_only, now);
    if (feed_ && !observed.events.empty()) feed_->take(observer_.state(), observer_.decision(), now, true);
    renew_clock(now);
    return earliest({advance_kernel(now), observed.next, next_clock_});
}

std::optional<Time> Engine::advance_kernel(Time now) {
    const auto deadline = state_.next_deadline();
    if (!deadline) return std::nullopt;
    if (std::max(*deadline, retry_) > now) return std::max(*deadline, retry_);
    bool done = false;
    try {
        expire(state_, now, decision_);
        done = put_in_force(now, again);
    } catch (const std::exception& error) {
        state_.cancel();
        log_refusal(error.what(), again, now);
    }
    conclude(state_, done, now, decision_);
    emit_all();
    // The refused changes are still due. Repeating them at once would be a busy loop.
    if (!done) retry_ = now + retry_after;
    const auto next = state_.next_deadline();
    return next ? std::optional(std::max(*next, retry_)) : std::nullopt;
}

std::vector<Egress> Engine::egresses() const {
    const std::vector<Egress> own = state_.egresses(), observed = observer_.egresses();
    std::vector<Egress> all;
    std::set_union(own.begin(), own.end(), observed.begin(), observed.end(), std::back_inserter(all));
    return all;
}

bool Engine::renumber(std::span<const AddressChange> moves, Time now) {
    try {
        sipalg::renumber(state_, moves, now, decision_);
        if (!put_in_force(now, again)) return false;
        observer_.renumber(moves, now);
        return true;
    } catch (const std::exception& error) {
        state_.cancel();
        log_refusal(error.what(), again, now);
        return false;
    }
}

// X12
bool Engine::set_forwards(const std::vector<PortForward>& forwards, Time now) {
    try {
        state_.mappings.set_forwards(forwards);
        observer_.set_forwards(forwards, now);
        leave_forwarded_ports(state_, now, decision_);
        return put_in_force(now, again);
    } catch (const std::exception& error) {
        state_.cancel();
        log_refusal(error.what(), again, now);
        return false;
    }
}

void Engine::note_latched(std::span<const LatchedSource> sources, Time now) {
    try {
        sipalg::note_latched(state_, sources, now, decision_);
        put_in_force(now, again);
    } catch (const std::exception& error) {
        state_.cancel();
        log_refusal(error.what(), again, now);
    }
}

std::size_t Engine::close_calls(const CallChoice& chosen, Time now) {
    std::size_t closed = 0;
    try {
        while (const std::size_t some = sipalg::close_calls(state_, chosen, now, decision_)) {
            if (!put_in_force(now, "the calls stay open")) break;
            closed += some;
        }
    } catch (const std::exception& error) {
        state_.cancel();
        log_refusal(error.what(), "the calls stay open", now);
    }
    return closed;
}

std::vector<Event> Engine::map_static_phones(std::span<const StaticPhone> wanted, Time now) {
    try {
        sipalg::map_static_phones(state_, wanted, now, decision_);
        std::vector<Event> failures = std::move(decision_.events);
        decision_.events.clear();
        put_in_force(now, again);
        return failures;
    } catch (const std::exception& error) {
        state_.cancel();
        log_refusal(error.what(), again, now);
        return {};
    }
}

void Engine::restore(std::span<const StoredElement> elements, const State::Advertised& advertised, Time now) {
    std::vector<Change> changes = state_.restore(elements, advertised, now);
    // In one transaction with the records that are written again for our clock.
    const bool with_clock = has_clock(elements);
    changes.push_back(clock_record(with_clock ? Change::Op::renew : Change::Op::add, now));
    next_clock_ = now + clock_lifetime / 2;
    // X8: elements without an owner have a timeout, so the daemon continues after a refusal.
    if (const auto outcome = kernel_.apply(changes); !outcome)
        log_refusal(outcome.error(), "elements without an owner stay until their timeout", now);
    if (const Totals held = totals(state_); elements.size() > (with_clock ? 1U : 0U))
        log::info("restored {} calls, {} bindings, {} mappings and {} pinholes from the previous run",
                  held.calls, held.bindings, held.mappings, held.pinholes);
}

std::vector<Change> Engine::elements(Time now, RecordState records) {
    std::vector<Change> all = state_.elements(now, records);
    all.push_back(clock_record(Change::Op::add, now));
    return all;
}

// Renews the clock record after half of its timeout, because the records have no meaning without it.
void Engine::renew_clock(Time now) {
    if (!next_clock_ || now < *next_clock_) return;
    const auto outcome = kernel_.apply(std::array{clock_record(Change::Op::renew, now)});
    if (!outcome) log_refusal(outcome.error(), "the clock record will be written again in a minute", now);
    next_clock_ = now + (outcome ? Time(clock_lifetime / 2) : Time{60'000});
}

void Engine::log(std::span<const Event> events, Time now) {
    log(events, "", now);
    if (feed_) feed_->take(events, now, false);
}

// `before`: observe_only or empty.
void Engine::log(std::span<const Event> events, const char* before, Time now) {
    event_log_.write(events, before, now);
    history_.take(events, before == observe_only);
}

void Engine::log_refusal(const std::string& refusal, const char* otherwise, Time now) {
    if (!refusals_limit_.allow(now)) return;
    const auto refused = refusals_limit_.take_refused();
    log::warning("the kernel refused a change; {}: {}{}", otherwise, escape(refusal),
                 refused == 0 ? std::string() : " (and " + std::to_string(refused) + " times more)");
}

}  // namespace sipalg::daemon
