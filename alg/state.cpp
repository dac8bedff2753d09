#include "alg/state.hpp"

#include <algorithm>
#include <map>

namespace sipalg {

State::State(Policy policy) : impl_(std::make_unique<Impl>(std::move(policy))) {}
State::~State() = default;
State::State(State&&) noexcept = default;
State& State::operator=(State&&) noexcept = default;

void State::commit() {
    impl_->holdings.commit();
    impl_->calls.commit();
    impl_->registrations.commit();
    impl_->streams.commit();
}

void State::cancel() {
    impl_->holdings.cancel();
    impl_->calls.cancel();
    impl_->registrations.cancel();
    impl_->streams.cancel();
}

std::optional<Time> State::next_deadline() const {
    std::optional<Time> next;
    for (const auto& deadline :
         {impl_->holdings.next_deadline(), impl_->calls.next_deadline(), impl_->registrations.next_deadline(),
          impl_->streams.next_deadline(), impl_->flows.next_deadline()})
        if (deadline && (!next || *deadline < *next)) next = deadline;
    return next;
}

void State::set_occupied(std::vector<Socket> sockets) {
    impl_->holdings.set_occupied(std::move(sockets));
}

void State::set_own_addresses(std::vector<Address> addresses) {
    impl_->own_addresses.clear();
    impl_->own_addresses.insert(addresses.begin(), addresses.end());
}

void State::set_treatments(Treatments treatments) {
    impl_->policy.treatments = std::move(treatments);
}

bool State::learning(Time now) const {
    return now < impl_->calls.learning_until();
}

void State::explain(bool on) {
    impl_->explaining = on;
    impl_->edits.explain(on);
}

std::vector<Change> State::restore(std::span<const StoredElement> elements, const Advertised& advertised,
                                   Time now) {
    Impl& impl = *impl_;
    std::vector<Change> changes;
    std::vector<Flow> stale, ended;
    std::vector<Event> events;
    call::Effects effects{changes, stale, ended, events};
    struct Pieces {
        std::map<std::uint32_t, std::string> parts;
        Time until = Time::max();  ///< of the one that goes first: not all are renewed at once
    };
    std::map<std::uint32_t, Pieces> records;
    for (const StoredElement& stored : elements) {
        const Time until = now + stored.remaining;
        if (const auto* mapping = std::get_if<Mapping>(&stored.element)) {
            impl.holdings.restore(*mapping, advertised(mapping->outside.address), until);
        } else if (const auto* pinhole = std::get_if<Pinhole>(&stored.element)) {
            impl.holdings.restore(*pinhole, until);
        } else if (const auto* record = std::get_if<Record>(&stored.element)) {
            Pieces& pieces = records[record->id];
            pieces.parts[record->part] = record->bytes;
            pieces.until = std::min(pieces.until, until);
            impl.next_record = std::max(impl.next_record, record->id + 1);
        } else if (std::holds_alternative<Latch>(stored.element) ||
                   std::holds_alternative<Learned>(stored.element)) {
            impl.calls.expect_learned(until);
        }
        commit();  // ledgers are made for the few entries of a message
    }
    for (const auto& [id, pieces] : records) {
        std::string bytes;
        for (const auto& [part, text] : pieces.parts)
            bytes += text;
        if (impl.calls.restore(id, bytes, pieces.until, now, effects) ||
            impl.registrations.restore(id, bytes, pieces.until, now, effects) ||
            impl.streams.restore(impl, id, bytes, now, changes)) {
            commit();
            continue;
        }
        for (const auto& [part, text] : pieces.parts)
            changes.push_back({Change::Op::remove, Record{id, part, text}, Seconds{0}});
    }
    for (const StoredElement& stored : elements)
        if (const auto* listener = std::get_if<Listener>(&stored.element))
            impl.holdings.restore_listener({listener->transport, listener->inside}, now + stored.remaining);
    impl.holdings.end_restoration(changes);
    commit();
    return changes;
}

std::vector<Change> State::elements(Time now) const {
    std::vector<Change> changes;
    impl_->holdings.list(now, changes);
    impl_->calls.list_records(now, changes);
    impl_->registrations.list_records(now, changes);
    impl_->streams.list(changes);
    return changes;
}

}  // namespace sipalg
