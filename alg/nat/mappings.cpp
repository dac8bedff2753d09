#include "alg/nat/mappings.hpp"

#include <algorithm>
#include <functional>
#include <utility>

#include "alg/base/earliest.hpp"
#include "alg/kernel/change.hpp"
#include "alg/nat/mapping_mover.hpp"
#include "alg/policy/timing.hpp"

namespace sipalg::nat {

namespace {

// The time until which signalling and keep-alives keep the mapping. Keep-alives count because their sender
// relies on the mapping.
Time used_until(const MappingEntry& entry) {
    if (entry.idle_until == Time{0}) return Time{0};
    return std::max(entry.idle_until, entry.last_flow + idle_time);
}

}  // namespace

Mappings::Mappings(const Policy& policy, const Hosts& hosts)
    : policy_(policy),
      ports_(policy),
      old_endpoints_(policy.max_mappings),
      listeners_(policy),
      per_phone_(hosts) {}

const MappingEntry* Mappings::find_public(const Socket& socket) const {
    const MappingKey* key = ports_.find(socket);
    const MappingEntry* entry = key ? mappings_.find(*key) : nullptr;
    return entry && entry->advertised == socket.endpoint.address ? entry : nullptr;
}

const MappingEntry* Mappings::find_outside(const Socket& socket) const {
    const MappingKey* key = ports_.find(socket);
    const MappingEntry* entry = key ? mappings_.find(*key) : nullptr;
    return entry && entry->mapping.outside == socket.endpoint ? entry : nullptr;
}

const MappingEntry* Mappings::find_old(const Socket& socket) const {
    const MappingKey* key = old_endpoints_.find(socket);
    return key ? mappings_.find(*key) : nullptr;
}

// A3: the same public endpoint for the same inside one; its own port if that is free.
const MappingEntry* Mappings::map(const Socket& inside, const Egress& egress, const PortWish& wish, Time now,
                                  std::vector<Change>& changes) {
    const MappingKey key{inside, egress.address};
    // Peers may know the port that conntrack has for this endpoint (C12).
    const ExistingNat::Way* way = existing_nat().empty() ? nullptr : existing_nat().find(key);
    if (way) forget_contradicted(key, *way, egress, now, changes);
    if (const MappingEntry* known = mappings_.find(key)) return known;
    if (is_forbidden_port(inside.endpoint.port) ||
        !has_room(inside.endpoint.address, wish.emergency, now, changes))
        return nullptr;
    std::uint16_t preferred = wish.preferred ? wish.preferred : way ? way->port : inside.endpoint.port;
    // If the owner forwards a port to this endpoint, it gets that port, which strangers may know (X12).
    const auto forwarded = ports_.forwards().port_of(inside, egress.address);
    if (!wish.exact) preferred = forwarded.value_or(preferred);
    if (egress.address == inside.endpoint.address)
        return &enter({inside.transport, inside.endpoint, inside.endpoint}, egress, wish, false, now);
    const auto is_free = [&](std::uint16_t port) {
        const bool is_given = wish.exact || (way && way->port == port) || forwarded == port;
        return (is_given || wish.media || !ports_.is_another_phones(inside, egress.address, port)) &&
               (!wish.exact || port == preferred) && ports_.is_free(inside.transport, egress, port) &&
               !ports_.is_others(inside, egress.address, port, preferred, wish.run);
    };
    if (wish.exact && !is_free(preferred)) return nullptr;
    const auto port = wish.exact ? ports_.choose(preferred, wish.run, std::cref(is_free))
                                 : choose_port(preferred, wish.run, now, std::cref(is_free), changes);
    if (!port) return nullptr;
    return &enter({inside.transport, inside.endpoint, {egress.address, *port}}, egress, wish,
                  way && way->port == *port, now);
}

const MappingEntry& Mappings::enter(const Mapping& mapping, const Egress& egress, const PortWish& wish,
                                    bool adopted, Time now) {
    per_phone_.more(mapping.inside.address);
    MappingEntry entry;
    entry.mapping = mapping;
    if (!mapping.is_identity()) entry.mapping.interface = egress.interface;
    entry.advertised = egress.advertised;
    entry.linger_until = now + transaction_time;
    entry.adopted = adopted;
    entry.of_calls = wish.media;
    if (!mapping.is_identity()) note_outside_address(egress.address);
    ports_.enter(mapping, egress.advertised);
    MappingEntry& made = mappings_.put(entry.key(), entry);
    schedule(made, now);
    return made;
}

void Mappings::forget(const MappingEntry& entry, Time now, std::vector<Change>& changes) {
    const MappingKey key = entry.key();
    if (entry.kernel_until > now) remove_from_kernel(entry, now, changes);
    ports_.remove(entry.mapping, entry.advertised);
    per_phone_.fewer(entry.mapping.inside.address);
    deadlines_.erase(key);
    mappings_.erase(key);
}

// An entry in conntrack takes precedence over a remembered mapping (S2, A3).
void Mappings::forget_contradicted(const MappingKey& inside, const ExistingNat::Way& way,
                                   const Egress& egress, Time now, std::vector<Change>& changes) {
    const MappingEntry* there = find_outside({inside.inside.transport, {inside.outside, way.port}});
    if (there && there->key() != inside && is_lingering(*there, now)) forget(*there, now, changes);
    const MappingEntry* known = mappings_.find(inside);
    if (known && known->mapping.outside.port != way.port && is_lingering(*known, now) &&
        ports_.is_free(inside.inside.transport, egress, way.port) &&
        !ports_.is_others(inside.inside, inside.outside, way.port, way.port, 1))
        forget(*known, now, changes);
}

// X7: frees ports that are only kept for late retransmissions.
bool Mappings::has_room(const Address& phone, bool emergency, Time now, std::vector<Change>& changes) {
    const std::size_t reserve = policy_.max_emergency_calls * mappings_of_emergency_call;
    if (emergency && mappings_.size() < policy_.max_mappings + reserve) return true;
    const auto is_full = [&] {
        const bool guaranteed = per_phone_.is_guaranteed(phone, policy_.max_mappings_per_phone);
        return !sipalg::has_room(mappings_.size(), policy_.max_mappings, guaranteed) ||
               !per_phone_.has_room(phone, policy_.max_mappings_per_phone);
    };
    while (is_full())
        if (!forget_oldest_lingering(now, changes)) return false;
    return true;
}

bool Mappings::is_lingering(const MappingEntry& entry, Time now) const {
    return entry.is_kept_for_calls() ||
           (entry.users == 0 && entry.idle_until <= now && entry.kernel_until <= now);
}

std::optional<std::uint16_t> Mappings::forget_oldest_lingering(Time now, std::vector<Change>& changes) {
    while (!lingering_.empty()) {
        const MappingEntry* entry = mappings_.find(lingering_.front());
        lingering_.pop_front();
        if (!entry || !is_lingering(*entry, now)) continue;
        const std::uint16_t port = entry->mapping.outside.port;
        forget(*entry, now, changes);
        return port;
    }
    return std::nullopt;
}

std::optional<std::uint16_t> Mappings::choose_port(std::uint16_t wanted, unsigned run, Time now,
                                                   const std::function<bool(std::uint16_t)>& is_free,
                                                   std::vector<Change>& changes) {
    auto port = ports_.choose(wanted, run, is_free);
    while (!port) {
        const auto freed = forget_oldest_lingering(now, changes);
        if (!freed) break;
        // Search again only if the freed port may be chosen.
        if (*freed == wanted || ports_.in_range(*freed)) port = ports_.choose(wanted, run, is_free);
    }
    return port;
}

void Mappings::note_outside_address(const Address& outside) {
    if (std::find(outside_addresses_.begin(), outside_addresses_.end(), outside) == outside_addresses_.end())
        outside_addresses_.push_back(outside);
}

void Mappings::schedule(const MappingEntry& entry, Time now) {
    if (entry.users > 0) {  // the release by its last user sets a deadline
        deadlines_.erase(entry.key());
        return;
    }
    Time due = std::max(entry.idle_until, entry.linger_until);
    // Renew an element that expires too early before it leaves the kernel.
    if (entry.kernel_until > now && entry.kernel_until < entry.idle_until)
        due = std::max(std::min(due, entry.kernel_until - idle_margin), now);
    deadlines_.schedule(entry.key(), due);
}

void Mappings::keep_in_kernel(MappingEntry& entry, Time until, Time now, std::vector<Change>& changes,
                              bool again) {
    const bool is_there = entry.kernel_until > now;
    if (is_there && !again && !is_worth_renewing(entry.kernel_until, until, now)) return;
    entry.kernel_until = std::max(entry.kernel_until, until);
    const auto op = is_there ? Change::Op::renew : Change::Op::add;
    if (!entry.mapping.is_identity()) changes.push_back(change_of(entry, op, now));
    if (entry.diverted) add_diversion(entry, op, now, changes);
    if (entry.reachable) changes.push_back(change(op, reachable_of(entry), entry.kernel_until, now));
    if (!is_there) changed_ = true;
}

Change Mappings::change_of(const MappingEntry& entry, Change::Op op, Time now) {
    Change made = change(op, entry.mapping, entry.kernel_until, now);
    if (entry.of_calls) made.note = of_calls_note;
    return made;
}

void Mappings::remove_from_kernel(const MappingEntry& entry, Time now, std::vector<Change>& changes) {
    if (!entry.mapping.is_identity()) changes.push_back(removal(entry.mapping));
    if (entry.diverted && others_divert_until(entry) <= now)
        changes.push_back(removal(Diversion{entry.mapping.transport, entry.mapping.inside}));
    if (entry.reachable) changes.push_back(removal(reachable_of(entry)));
}

void Mappings::close_flows(const MappingEntry& entry) {
    // TCP connections may continue without the ALG, so their conntrack entries are not deleted.
    const bool has_connections = entry.mapping.transport == Transport::tcp && entry.idle_until != Time{0};
    if (!has_connections) closed_.push_back(entry.mapping);
    changed_ = true;
}

// With several outside addresses one endpoint may have several mappings, which share its Diversion.
Time Mappings::others_divert_until(const MappingEntry& entry) const {
    Time until{0};
    for (const Address& outside : outside_addresses_) {
        if (outside == entry.mapping.outside.address) continue;
        const MappingEntry* other =
            mappings_.find(MappingKey{{entry.mapping.transport, entry.mapping.inside}, outside});
        if (other && other->diverted) until = std::max(until, other->kernel_until);
    }
    return until;
}

void Mappings::add_diversion(const MappingEntry& entry, Change::Op op, Time now,
                             std::vector<Change>& changes) const {
    const Time others = others_divert_until(entry);
    changes.push_back(change(others > now ? Change::Op::renew : op,
                             Diversion{entry.mapping.transport, entry.mapping.inside},
                             std::max(entry.kernel_until, others), now));
}

bool Mappings::refresh(const MappingKey& key, bool divert, Time now, std::vector<Change>& changes,
                       bool reachable) {
    const MappingEntry* known = mappings_.find(key);
    if (!known) return false;
    const bool is_fresh = known->kernel_until > now && known->idle_until - now > idle_time / 2;
    const bool opens = reachable && policy_.treatments.allows_peers() && !known->reachable;
    if (is_fresh && known->diverted == divert && !opens) return false;
    MappingEntry& entry = *mappings_.edit(key);
    const bool was_there = entry.kernel_until > now;
    const bool was_diverted = entry.diverted;
    const bool was_of_calls = std::exchange(entry.of_calls, false);
    entry.diverted = entry.diverted || divert;
    entry.idle_until = now + idle_time;
    if (was_there && entry.diverted && !was_diverted) add_diversion(entry, Change::Op::add, now, changes);
    entry.reachable = entry.reachable || opens;
    if (was_there && opens)
        changes.push_back(change(Change::Op::add, reachable_of(entry), entry.kernel_until, now));
    keep_in_kernel(entry, entry.idle_until + idle_margin, now, changes, was_of_calls);
    schedule(entry, now);
    return !was_there;
}

void Mappings::make_reachable(const MappingKey& key, Time now, std::vector<Change>& changes) {
    const MappingEntry* known = mappings_.find(key);
    if (!known || known->reachable || known->idle_until <= now || known->kernel_until <= now ||
        !policy_.treatments.allows_peers())
        return;
    mappings_.edit(key)->reachable = true;
    changes.push_back(change(Change::Op::add, reachable_of(*known), known->kernel_until, now));
}

bool Mappings::adopt(const Socket& inside, const Egress& egress, bool divert, Time now,
                     std::vector<Change>& changes) {
    const MappingKey key{inside, egress.address};
    const ExistingNat::Way* way = existing_nat().find(key);
    // A port forward does not show that the phone has sent a message.
    if (mappings_.contains(key) || !way || !way->by_phone) return false;
    if (!map(inside, egress, {way->port, 1, true}, now, changes)) return false;
    MappingEntry& entry = *mappings_.edit(key);
    entry.shown = entry.shown.when_presumed();
    return refresh(key, divert, now, changes, false);
}

void Mappings::acquire(const MappingKey& key, Time until, Time now, std::vector<Change>& changes) {
    MappingEntry* entry = mappings_.edit(key);
    if (!entry) return;
    ++entry->users;
    keep_in_kernel(*entry, until, now, changes);
    schedule(*entry, now);
}

void Mappings::extend(const MappingKey& key, Time until, Time now, std::vector<Change>& changes) {
    if (MappingEntry* entry = mappings_.edit(key)) keep_in_kernel(*entry, until, now, changes);
}

void Mappings::release(const MappingKey& key, Time now, std::vector<Change>& changes) {
    MappingEntry* entry = mappings_.edit(key);
    if (!entry || entry->users == 0 || --entry->users > 0) return;
    if (used_until(*entry) > now) {
        entry->idle_until = used_until(*entry);
        keep_in_kernel(*entry, entry->idle_until + idle_margin, now, changes);
    } else {
        close_flows(*entry);
        if (!entry->of_calls) {
            remove_from_kernel(*entry, now, changes);
            entry->kernel_until = Time{0};
        }
        entry->adopted = false;
        entry->linger_until =
            std::max(now + transaction_time, std::min(entry->kernel_until, now + linger_time));
        lingering_.push_back(key);
    }
    schedule(*entry, now);
}

void Mappings::note_flow(const MappingKey& key, Time at) {
    if (MappingEntry* entry = mappings_.edit(key)) entry->last_flow = std::max(entry->last_flow, at);
    mappings_.commit();
}

void Mappings::renumber(Renumbering& renumbering, Time now, std::vector<Change>& changes) {
    outside_addresses_.clear();  // or the list would grow without limit
    for (const auto& [key, entry] : mappings_)
        note_outside_address(key.outside);
    for (const AddressChange& move : renumbering.moves())
        note_outside_address(move.to.address);
    old_endpoints_.renumber(renumbering);
    MappingMover(*this, renumbering, now, changes).run();
}

void Mappings::expire(Time now, std::vector<Change>& changes) {
    for (int i = 0; i < deadlines_at_once; ++i) {
        const auto key = deadlines_.take_due(now);
        if (!key) break;
        MappingEntry* entry = mappings_.edit(*key);
        if (entry->kernel_until > now && used_until(*entry) > now) {
            entry->idle_until = used_until(*entry);
            keep_in_kernel(*entry, entry->idle_until + idle_margin, now, changes);
        }
        if (std::max(entry->idle_until, entry->linger_until) > now) {
            schedule(*entry, now);
            continue;
        }
        if (entry->kernel_until > now && !entry->of_calls) close_flows(*entry);
        forget(*entry, now, changes);
    }
    const auto is_past = [&](const MappingKey& key) {
        const MappingEntry* entry = mappings_.find(key);
        return !entry || !is_lingering(*entry, now);
    };
    while (!lingering_.empty() && is_past(lingering_.front()))
        lingering_.pop_front();
    old_endpoints_.expire(now);
}

std::optional<Time> Mappings::next_deadline() const {
    return earliest({deadlines_.next(), old_endpoints_.next_deadline()});
}

void Mappings::list(Time now, bool lasting, std::vector<Change>& changes) const {
    for (const auto& [key, entry] : mappings_) {
        if (entry.kernel_until <= now || (lasting && is_lingering(entry, now))) continue;
        if (!entry.mapping.is_identity()) changes.push_back(change_of(entry, Change::Op::add, now));
        if (entry.diverted)
            changes.push_back(change(Change::Op::add,
                                     Diversion{entry.mapping.transport, entry.mapping.inside},
                                     entry.kernel_until, now));
        if (entry.reachable)
            changes.push_back(change(Change::Op::add, reachable_of(entry), entry.kernel_until, now));
    }
    pinholes_.list(now, changes);
}

std::vector<Egress> Mappings::at_forwarded_ports() const {
    std::vector<Egress> found;
    for (const auto& [key, entry] : mappings_) {
        const Mapping& mapping = entry.mapping;
        const Egress egress{key.outside, entry.advertised, mapping.interface};
        if (!mapping.is_identity() &&
            ports_.forwards().is_others({mapping.transport, mapping.inside},
                                        {mapping.transport, mapping.outside}, mapping.outside.port, 1) &&
            std::find(found.begin(), found.end(), egress) == found.end())
            found.push_back(egress);
    }
    return found;
}

Mappings::Closed Mappings::take_closed() {
    changed_ = false;
    return {std::exchange(closed_, {}), pinholes_.take_closed()};
}

void Mappings::commit() {
    if (!policy_.sees_flows) take_closed();
    mappings_.commit();
    ports_.commit();
    pinholes_.commit();
    old_endpoints_.commit();
    listeners_.commit();
    per_phone_.commit();
    deadlines_.commit();
}

void Mappings::cancel() {
    mappings_.cancel();
    ports_.cancel();
    pinholes_.cancel();
    old_endpoints_.cancel();
    listeners_.cancel();
    per_phone_.cancel();
    deadlines_.cancel();
}

}  // namespace sipalg::nat
