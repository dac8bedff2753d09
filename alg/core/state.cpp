#include "alg/core/state.hpp"

#include <algorithm>
#include <set>

#include "alg/base/earliest.hpp"
#include "alg/core/stream_sink.hpp"
#include "alg/kernel/record.hpp"
#include "alg/nat/mapping_restorer.hpp"

namespace sipalg {

State::State(Policy settings)
    : policy(std::move(settings)),
      mappings(policy, hosts),
      proofs(policy, hosts),
      calls(policy, mappings, proofs, record_ids, hosts),
      registrations(policy, mappings, proofs, record_ids, hosts),
      connections(policy, hosts),
      nat_handling(policy),
      scan(policy, mappings, proofs, calls) {}

void State::commit() {
    mappings.commit();
    proofs.commit();
    calls.commit();
    registrations.commit();
    connections.commit();
    nat_handling.commit();
    ladders.commit();
}

void State::cancel() {
    mappings.cancel();
    proofs.cancel();
    calls.cancel();
    registrations.cancel();
    connections.cancel();
    nat_handling.cancel();
    ladders.cancel();
}

std::size_t State::entries() const {
    constexpr std::size_t bytes_of_an_entry = 256;
    return mappings.all().size() + mappings.pinholes().size() + calls.all().size() + calls.closed().size() +
           registrations.all().size() + registrations.pending() + connections.all().size() +
           connections.usage().total().memory / bytes_of_an_entry + proofs.size() + hosts.size() +
           flows.size() + ladders.size() + nat_handling.size();
}

void State::shrink() {
    mappings.shrink();
    proofs.shrink();
    calls.shrink();
    registrations.shrink();
    connections.shrink();
    hosts.shrink();
    flows.shrink();
    ladders.shrink();
}

std::optional<Time> State::next_deadline() const {
    return earliest({mappings.next_deadline(), calls.next_deadline(), registrations.next_deadline(),
                     connections.next_deadline(), nat_handling.next_deadline(), flows.next_deadline(),
                     mappings.listeners().next_deadline(), proofs.next_deadline(), hosts.next_deadline()});
}

void State::set_occupied(const std::vector<Socket>& sockets) {
    mappings.set_occupied(sockets);
}

void State::set_own_addresses(std::vector<Address> addresses) {
    own_addresses.clear();
    own_addresses.insert(addresses.begin(), addresses.end());
}

void State::set_treatments(Treatments treatments) {
    policy.treatments = std::move(treatments);
}

Mode State::mode_of(const Arrival& arrival) const {
    const Treatments& treatments = policy.treatments;
    const bool one_for_all = treatments.peers.empty() && treatments.phones.empty();
    if (one_for_all && treatments.mode != Mode::observe && treatments.mode != Mode::off)
        return treatments.mode;
    if (!arrival.packet) return Mode::automatic;
    const Mode mode = treatments.mode_of(arrival.phone().address, arrival.peer().address);
    if ((mode != Mode::observe && mode != Mode::off) || arrival.packet->transport != Transport::tcp)
        return mode;
    // A TCP connection with edited bytes must still be read (T4).
    const tcp::Connection* connection = connections.find({arrival.phone(), arrival.peer()});
    return connection && connection->editing && connection->was_edited() ? Mode::automatic : mode;
}

Handling State::handling(const Address& phone, const Address& peer) const {
    return {policy.treatments.mode_of(phone, peer), nat_handling.of({phone, peer})};
}

bool State::awaits_latched(Time now) const {
    return now < calls.latches_open_until();
}

void State::explain(bool on) {
    explaining = on;
    edits.explain(on);
}

std::vector<Change> State::restore(std::span<const StoredElement> elements, const Advertised& advertised,
                                   Time now) {
    std::vector<Change> changes;
    std::vector<ConntrackTuple> stale, ended;
    std::vector<Event> events;
    Effects effects{changes, stale, ended, events};
    Decision unused;
    StreamSink sink(*this, unused);
    nat::MappingRestorer restorer(mappings, elements, now);
    restorer.begin(advertised);
    calls.restore_latches(elements, now);
    commit();
    for (const StoredElement& stored : elements)
        record_ids.note_used(id_in_note(stored.note));
    for (const StoredRecord& record : stored_records(elements, now)) {
        record_ids.note_used(record.id);
        if (!calls.restore(record, now, effects) && !registrations.restore(record, now, effects) &&
            !connections.restore(record, sink, now, changes) && !mappings.listeners().restore(record, now))
            record.remove(changes);
        commit();
    }
    for (const auto& [key, binding] : registrations.all())
        if (binding.unmodified)
            nat_handling.note({key.inside.endpoint.address, key.registrar}, nat::NatHandler::peer, now);
    restorer.end(changes);
    commit();
    return changes;
}

std::vector<Change> State::elements(Time now, RecordState records) {
    std::vector<Change> changes;
    mappings.list(now, records == RecordState::latest, changes);
    calls.list_records(records, now, changes);
    registrations.list_records(now, changes);
    connections.list(changes);
    mappings.listeners().list_records(now, changes);
    return changes;
}

std::vector<Egress> State::egresses() const {
    std::set<Egress> all;
    // Entries without translation are not at an address of the router (N2).
    for (const auto& [key, entry] : mappings.all())
        if (!entry.mapping.is_identity())
            all.insert({key.outside, entry.advertised, entry.mapping.interface});
    for (const auto& [key, call] : calls.all())
        if (call.egress.address != key.phone) all.insert(call.egress);
    for (const auto& [key, binding] : registrations.all())
        if (binding.egress.address != key.inside.endpoint.address) all.insert(binding.egress);
    return {all.begin(), all.end()};
}

}  // namespace sipalg
