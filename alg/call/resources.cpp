#include "alg/call/resources.hpp"

#include <algorithm>
#include <utility>
#include <variant>

#include "alg/call/call_record.hpp"
#include "alg/kernel/record.hpp"
#include "alg/policy/timing.hpp"

namespace sipalg::call {

namespace {

bool is_next(const Socket& before, const Socket& after) {
    return before.transport == after.transport && before.endpoint.address == after.endpoint.address &&
           before.endpoint.port + 1 == after.endpoint.port;
}

const CallPinhole* find(const std::vector<CallPinhole>& pinholes, const Pinhole& pinhole) {
    const auto found = std::find_if(pinholes.begin(), pinholes.end(),
                                    [&](const CallPinhole& one) { return one.pinhole == pinhole; });
    return found == pinholes.end() ? nullptr : &*found;
}

bool contains(const std::vector<nat::MappingKey>& keys, const nat::MappingKey& key) {
    return std::find(keys.begin(), keys.end(), key) != keys.end();
}

// X3: a call of a stranger, which the kernel need not know: a flood of them costs no transactions.
bool is_kept_in_memory(const Call& call) {
    return call.record.empty() && call.is_unsolicited();
}

bool is_restoring(const Call& call) {
    return call.restored && call.mappings.empty();
}

}  // namespace

// P5: what is in the kernel keeps its timeout, and the call is renewed in time.
Time Resources::Collected::keep(Time kernel_until, Time otherwise, Time now) {
    if (kernel_until <= now) return otherwise;
    until = std::min(until, kernel_until);
    return kernel_until;
}

// Exactly, because a call keeps the vectors as long as it lasts (P5).
void Resources::Collected::reserve(const Wants& wants) {
    std::size_t sources = 0;
    for (const Want& want : wants)
        sources += want.pinholes.size();
    mappings.reserve(wants.size());
    pinholes.reserve(sources);
}

Time Resources::lifetime(const Call& call, Time now) {
    if (call.state == Call::State::confirmed) return now + confirmed_time;
    return std::max(call.ringing_until, now + Time{1000});
}

MediaSource Resources::media_source(const CallKey& key, const Call& call) const {
    return policy_.treatments.media_source_of(key.phone, call.first_peer());
}

// Of a phone's delegates, some may be translated and others not (N5).
Egress Resources::egress_of(const CallKey& key, const Call& call, const Address& inside) const {
    if (inside == key.phone || policy_.treatments.is_translated(inside)) return call.egress;
    return {inside, inside};
}

// C2, C4, C5: the pinholes follow the negotiation.
void Resources::settle(const CallKey& key, Call& call, Time now, Effects& effects) {
    const std::size_t first = effects.changes.size();
    acquire(key, call, lifetime(call, now), now, effects);
    save(key, call, first, now, effects);
}

void Resources::acquire(const CallKey& key, Call& call, Time until, Time now, Effects& effects) {
    Collected collected;
    collected.until = until;
    const bool restoring = is_restoring(call);
    Wants wants = wanted(call, media_source(key, call));
    collected.reserve(wants);
    const nat::MappingEntry* previous = nullptr;
    for (std::size_t i = 0; i < wants.size(); ++i) {
        const nat::MappingEntry* entry = map(key, call, wants, i, previous, now, effects);
        if (!entry) continue;
        previous = entry;
        if (!contains(call.mappings, entry->key()))
            mappings_.acquire(entry->key(),
                              restoring ? collected.keep(entry->kernel_until, until, now) : until, now,
                              effects.changes);
        collected.mappings.push_back(entry->key());
        open(call, wants[i], *entry, until, now, collected, effects);
    }
    release_others(call, collected, now, effects);
    call.mappings = std::move(collected.mappings);
    call.pinholes = std::move(collected.pinholes);
    latches_.set(key, call, std::move(collected.latches), now, effects.changes);
    note_old_endpoints(call, until);
    // Existing elements keep their old timeout, so the time of the next renewal may only become earlier.
    const Time half = now + (collected.until - now) / 2;
    if (call.renew_at == Time{0} || half < call.renew_at) call.renew_at = half;
}

// A3: RTCP gets the public port after that of its RTP.
const nat::MappingEntry* Resources::map(const CallKey& key, const Call& call, const Wants& wants,
                                        std::size_t i, const nat::MappingEntry* previous, Time now,
                                        Effects& effects) {
    const Want& want = wants[i];
    nat::PortWish wish{.media = true, .emergency = call.emergency && i < nat::mappings_of_emergency_call};
    // The following ports of the same media line must be free too; those of the next line are chosen
    // separately.
    while (i + wish.run < wants.size() && wants[i + wish.run].same_line &&
           is_next(wants[i + wish.run - 1].inside, wants[i + wish.run].inside))
        ++wish.run;
    const bool follows =
        previous && is_next({previous->mapping.transport, previous->mapping.inside}, want.inside);
    if (follows) wish.preferred = static_cast<std::uint16_t>(previous->mapping.outside.port + 1);
    const nat::MappingEntry* entry = mappings_.map(
        want.inside, egress_of(key, call, want.inside.endpoint.address), wish, now, effects.changes);
    if (!entry)
        effects.limit = effects.limit || !nat::is_forbidden_port(want.inside.endpoint.port);
    else if (follows && want.same_line && !entry->consecutive &&
             entry->mapping.outside.port == wish.preferred)
        mappings_.set_consecutive(entry->key());
    return entry;
}

void Resources::open(const Call& call, Want& want, const nat::MappingEntry& entry, Time until, Time now,
                     Collected& collected, Effects& effects) {
    const bool restoring = is_restoring(call);
    bool announced = false;  // by the present message
    for (CallPinhole& wanted : want.pinholes) {
        const Address& remote = wanted.pinhole.remote;
        if (remote == call.egress.address || remote == call.egress.advertised) continue;
        wanted.pinhole.outside = entry.mapping.outside;
        wanted.shown = entry.public_endpoint();
        const CallPinhole* known = find(call.pinholes, wanted.pinhole);
        announced = announced || (!wanted.latched && !wanted.early && (!known || known->early));
        if (!known) {
            const nat::PinholeEntry* there = restoring ? mappings_.pinholes().find(wanted.pinhole) : nullptr;
            const bool is_new = mappings_.pinholes().acquire(
                wanted.pinhole, there ? collected.keep(there->kernel_until, until, now) : until, now,
                effects.changes);
            // C7: an older flow would keep its old translation. It is deleted unless that is the right one.
            if (is_new && !entry.adopted) wanted.add_flows(effects.stale);
        }
        collected.pinholes.push_back(wanted);
    }
    if (!want.latch) return;
    CallLatch latch{{want.inside.transport, entry.mapping.outside}, Time{0}, announced && !restoring};
    for (const CallLatch& known : call.latches)
        if (known.latch == latch.latch) latch.until = known.until;
    collected.latches.push_back(latch);
}

void Resources::release_others(Call& call, const Collected& collected, Time now, Effects& effects) {
    for (const CallPinhole& old : call.pinholes) {
        if (find(collected.pinholes, old.pinhole)) continue;
        leave_notes(call);
        if (mappings_.pinholes().release(old.pinhole, effects.changes))
            old.add_flows(effects.ended);
        else
            mappings_.pinholes().remove_note(old.pinhole, call.record_id, now, effects.changes);
    }
    for (const nat::MappingKey& old : call.mappings)
        if (!contains(collected.mappings, old)) mappings_.release(old, now, effects.changes);
}

void Resources::release(const CallKey& key, Call& call, Time now, Effects& effects) {
    const RecordPieces record = call.record_in_notes ? RecordPieces() : call.record;
    release_others(call, {}, now, effects);
    call.mappings.clear();
    call.pinholes.clear();
    latches_.set(key, call, {}, now, effects.changes);
    store_record(call.record_id, record, {}, false, Seconds{0}, effects.changes);
}

// X8: the longest time for which a killed daemon leaves an element in the kernel.
void Resources::renew(const CallKey& key, Call& call, Time now, Effects& effects) {
    const Time until = lifetime(call, now);
    call.renew_at = now + (until - now) / 2;
    if (is_kept_in_memory(call)) return;
    for (const nat::MappingKey& mapping : call.mappings)
        mappings_.extend(mapping, until, now, effects.changes);
    for (const CallPinhole& pinhole : call.pinholes)
        mappings_.pinholes().extend(pinhole.pinhole, until, now, effects.changes);
    WrittenRecord record{write_record(key, call)};
    if (!call.record_in_notes || record.pieces != call.record) {
        leave_notes(call);
        store_record(call.record_id, call.record, record, true, std::chrono::ceil<Seconds>(until - now),
                     effects.changes);
        call.record = std::move(record.pieces);
    }
    note_old_endpoints(call, until);
}

// A5, P2: a new call's record needs no element of its own if it fits into the notes of the call's pinholes,
// which end with the call.
void Resources::save(const CallKey& key, Call& call, std::size_t first, Time now, Effects& effects) {
    if (is_kept_in_memory(call)) return;
    WrittenRecord record{write_record(key, call)};
    if (record.pieces == call.record) return;
    if (call.record.empty() && call.state != Call::State::confirmed &&
        put_into_notes(call, record, first, effects))
        return;
    leave_notes(call);
    const auto timeout = std::chrono::ceil<Seconds>(lifetime(call, now) - now);
    store_record(call.record_id, call.record, record, false, timeout, effects.changes);
    call.record = std::move(record.pieces);
}

bool Resources::put_into_notes(Call& call, const WrittenRecord& record, std::size_t first, Effects& effects) {
    // An older piece of this record may be in a note.
    nat::Pinholes& pinholes = mappings_.pinholes();
    if (std::any_of(call.pinholes.begin(), call.pinholes.end(), [&](const CallPinhole& one) {
            const nat::PinholeEntry* entry = pinholes.find(one.pinhole);
            return entry && entry->note_id == call.record_id;
        }))
        return false;
    SmallVector<Change*, 8> carriers;
    for (std::size_t i = first; i < effects.changes.size(); ++i)
        if (effects.changes[i].op == Change::Op::add &&
            std::holds_alternative<Pinhole>(effects.changes[i].element))
            carriers.push_back(&effects.changes[i]);
    if (!sipalg::put_into_notes(call.record_id, record.bytes, {carriers.data(), carriers.size()}))
        return false;
    for (const Change* carrier : carriers)
        if (!carrier->note.empty())
            pinholes.set_note(std::get<Pinhole>(carrier->element), call.record_id, carrier->note);
    call.record = record.pieces;
    call.record_in_notes = true;
    return true;
}

void Resources::leave_notes(Call& call) {
    if (!std::exchange(call.record_in_notes, false)) return;
    for (const CallPinhole& one : call.pinholes)
        mappings_.pinholes().outdate_note(one.pinhole, call.record_id);
    call.record = {};
}

void Resources::move(const CallKey& key, Call& call, nat::Renumbering& renumbering, Time now,
                     Effects& effects) {
    const Egress to = *renumbering.target_of_user(call.egress);
    const Egress from = std::exchange(call.egress, to);
    if (const nat::MappingEntry* entry = mappings_.find(nat::MappingKey{call.contact, to.address})) {
        const auto port = renumbering.old_port({call.contact, from.address});
        nat::add_old_endpoint(call.old_endpoints,
                              {from.advertised, port.value_or(entry->mapping.outside.port)},
                              entry->public_endpoint());
    }
    leave_notes(call);
    // Open latches are closed: a new answer opens them at the new address.
    latches_.set(key, call, {}, now, effects.changes);
    // Mappings without a free port are gone.
    std::erase_if(call.mappings, [&](nat::MappingKey& mapping) {
        if (mapping.outside != from.address) return false;  // of a delegate that is not translated
        mapping.outside = to.address;
        return !mappings_.find(mapping);
    });
    std::erase_if(call.pinholes, [&](CallPinhole& pinhole) {
        if (pinhole.pinhole.outside.address != from.address) return false;
        const nat::MappingEntry* entry =
            mappings_.find(nat::MappingKey{{pinhole.pinhole.transport, pinhole.inside}, to.address});
        if (!entry || entry->mapping.outside != pinhole.pinhole.outside) pinhole.add_flows(effects.ended);
        if (!entry) return true;
        pinhole.pinhole.outside = entry->mapping.outside;
        pinhole.shown = entry->public_endpoint();
        return false;
    });
    note_old_endpoints(call, lifetime(call, now));
}

void Resources::note_old_endpoints(const Call& call, Time until) {
    for (const Endpoint& shown : call.old_endpoints)
        mappings_.note_old_endpoint({call.contact.transport, shown}, {call.contact, call.egress.address},
                                    until);
}

}  // namespace sipalg::call
