#include "alg/daemon/run/observer.hpp"

#include "alg/core/renumber.hpp"

namespace sipalg::daemon {

namespace {

void mark(CallReport& row) {
    row.observed = true;
    if (row.why == Unchanged::no) row.why = Unchanged::mode_observe;
}
void mark(CallDetail& row) {
    mark(row.call);
}
void mark(PinholeReport& row) {
    row.observed = true;
}
void mark(BindingReport& row) {
    row.observed = true;
    if (row.why == Unchanged::no) row.why = Unchanged::mode_observe;
}

template <class Row>
std::vector<Row> marked(std::vector<Row> rows) {
    for (Row& row : rows)
        mark(row);
    return rows;
}

}  // namespace

void Observer::restart(const Policy& policy) {
    Policy observing = policy;
    // Media of these calls use mappings of the owner's NAT, so their flows are not seen.
    observing.sees_flows = false;
    observing.edits = false;
    observing.silence = observing.hold;
    state_.emplace(std::move(observing));
}

Observer::Seen Observer::see(const Arrival& arrival, Time now) {
    Arrival answered = arrival;
    answered.answered = true;
    inspect(*state_, answered, now, decision_);
    state_->commit();
    Reason reason = decision_.rewritten ? Reason::rewritten : decision_.reason;
    if (decision_.stream) {
        conclude(*state_, true, now, decision_);
        for (const Reason of_message : decision_.reasons)
            if (reason != Reason::rewritten) reason = of_message;
    }
    return {reason == Reason::rewritten ? Reason::would_rewrite : reason, decision_.events, {}};
}

Observer::Seen Observer::advance(Time now) {
    decision_.events.clear();
    const auto due = state_->next_deadline();
    if (due && *due <= now) {
        expire(*state_, now, decision_);
        state_->commit();
        conclude(*state_, true, now, decision_);
    }
    return {Reason::unchanged, decision_.events, state_->next_deadline()};
}

void Observer::renumber(std::span<const AddressChange> moves, Time now) {
    sipalg::renumber(*state_, moves, now, decision_);
    state_->commit();
}

void Observer::set_forwards(const std::vector<PortForward>& forwards, Time now) {
    state_->mappings.set_forwards(forwards);
    leave_forwarded_ports(*state_, now, decision_);
    state_->commit();
}

std::vector<CallReport> Observer::calls() const {
    return marked(report_calls(*state_));
}

std::vector<CallReport> Observer::newest_calls(std::size_t most) const {
    return marked(report_newest_calls(*state_, most));
}

std::vector<CallDetail> Observer::call(std::string_view call_id, Time now) const {
    return marked(report_call(*state_, call_id, now));
}

std::vector<PinholeReport> Observer::pinholes(Time now) const {
    return marked(report_pinholes(*state_, now));
}

std::vector<BindingReport> Observer::bindings(Time now, std::size_t most) const {
    return marked(report_bindings(*state_, now, most));
}

}  // namespace sipalg::daemon
