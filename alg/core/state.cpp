#include "alg/core/state.hpp"

#include <algorithm>
#include <map>

namespace sipalg {

State::State(Policy policy) : impl_(std::make_unique<Impl>(std::move(policy))) {}
State::~State() = default;
State::State(State&&) noexcept = default;
State& State::operator=(State&&) noexcept = default;

void State::commit() {
    impl_->mappings.commit();
    impl_->calls.commit();
    impl_->registrations.commit();
    impl_->connections.commit();
    impl_->nat_handling.commit();
}

void State::cancel() {
    impl_->mappings.cancel();
    impl_->calls.cancel();
    impl_->registrations.cancel();
    impl_->connections.cancel();
    impl_->nat_handling.cancel();
}

std::optional<Time> State::next_deadline() const {
    std::optional<Time> next;
    for (const auto& deadline : {impl_->mappings.next_deadline(), impl_->calls.next_deadline(),
                                 impl_->registrations.next_deadline(), impl_->connections.next_deadline(),
                                 impl_->nat_handling.next_deadline(), impl_->flows.next_deadline()})
        if (deadline && (!next || *deadline < *next)) next = deadline;
    return next;
}

void State::set_occupied(std::vector<Socket> sockets) {
    impl_->mappings.set_occupied(std::move(sockets));
}

void State::set_own_addresses(std::vector<Address> addresses) {
    impl_->own_addresses.clear();
    impl_->own_addresses.insert(addresses.begin(), addresses.end());
}

void State::set_treatments(Treatments treatments) {
    impl_->policy.treatments = std::move(treatments);
}

Mode State::mode_of(const Arrival& arrival) const {
    const Treatments& treatments = impl_->policy.treatments;
    const bool one_for_all = treatments.peers.empty() && treatments.phones.empty();
    if (one_for_all && treatments.mode != Mode::observe && treatments.mode != Mode::off)
        return treatments.mode;
    const auto packet = parse_packet(arrival.bytes);
    return packet ? impl_->mode_of(*packet, arrival.from) : Mode::automatic;
}

Mode State::Impl::mode_of(const Packet& packet, Side from) const {
    const bool outward = from == Side::inside;
    const Endpoint& phone = outward ? packet.source : packet.destination;
    const Endpoint& peer = outward ? packet.destination : packet.source;
    const Mode mode = policy.treatments.mode_of(phone.address, peer.address);
    if ((mode != Mode::observe && mode != Mode::off) || packet.transport != Transport::tcp) return mode;
    // A connection in which something was changed can't be left (T4).
    const tcp::Connection* flow = connections.find(FlowKey{Transport::tcp, phone, peer});
    return flow && flow->editing && flow->is_edited() ? Mode::automatic : mode;
}

Handling State::handling(const Address& phone, const Address& peer) const {
    return {impl_->policy.treatments.mode_of(phone, peer), impl_->nat_handling.of({phone, peer})};
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
    std::vector<ConntrackTuple> stale, ended;
    std::vector<Event> events;
    Effects effects{changes, stale, ended, events};
    struct Pieces {
        std::map<std::uint32_t, std::string> parts;
        Time until = Time::max();  ///< of the one that goes first: not all are renewed at once
    };
    std::map<std::uint32_t, Pieces> records;
    for (const StoredElement& stored : elements) {
        const Time until = now + stored.remaining;
        if (const auto* mapping = std::get_if<Mapping>(&stored.element)) {
            impl.mappings.restore(*mapping, advertised(mapping->outside.address), until);
        } else if (const auto* pinhole = std::get_if<Pinhole>(&stored.element)) {
            impl.mappings.restore(*pinhole, until);
        } else if (const auto* record = std::get_if<Record>(&stored.element)) {
            Pieces& pieces = records[record->id];
            pieces.parts[record->part] = record->bytes;
            pieces.until = std::min(pieces.until, until);
            impl.next_record = std::max(impl.next_record, record->id + 1);
        } else if (std::holds_alternative<Latch>(stored.element) ||
                   std::holds_alternative<LatchedSource>(stored.element)) {
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
            impl.connections.restore(impl, id, bytes, now, changes)) {
            commit();
            continue;
        }
        for (const auto& [part, text] : pieces.parts)
            changes.push_back({Change::Op::remove, Record{id, part, text}, Seconds{0}});
    }
    for (const StoredElement& stored : elements)
        if (const auto* listener = std::get_if<Diversion>(&stored.element))
            impl.mappings.restore_listener({listener->transport, listener->inside}, now + stored.remaining);
    for (const StoredElement& stored : elements)
        if (const auto* reachable = std::get_if<Reachable>(&stored.element);
            reachable && !impl.mappings.restore_reachable({reachable->transport, reachable->outside}))
            changes.push_back({Change::Op::remove, *reachable, Seconds{0}});
    for (const auto& [key, binding] : impl.registrations.all())
        if (binding.unmodified)
            impl.nat_handling.note({key.inside.endpoint.address, key.registrar}, nat::NatHandler::peer, now);
    impl.mappings.end_restoration(changes);
    commit();
    return changes;
}

std::vector<Change> State::elements(Time now) const {
    std::vector<Change> changes;
    impl_->mappings.list(now, changes);
    impl_->calls.list_records(now, changes);
    impl_->registrations.list_records(now, changes);
    impl_->connections.list(changes);
    return changes;
}

}  // namespace sipalg
