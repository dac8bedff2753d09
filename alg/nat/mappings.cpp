#include "alg/nat/mappings.hpp"

#include <algorithm>

#include "alg/kernel/change.hpp"
#include "alg/policy/timing.hpp"

namespace sipalg::nat {

namespace {

// Renewing for every small step would be a transaction per message: what ends a little early is renewed in
// time (calls), or has a grace that covers it (bindings).
bool worth_renewing(Time kernel_until, Time until, Time now) {
    return until - kernel_until > std::min(registration_grace, (until - now) / 4);
}

// How long signalling keeps a mapping. Keep-alives are no messages, but whoever sends them counts on it.
Time used_until(const MappingEntry& entry) {
    if (entry.idle_until == Time{0}) return Time{0};
    return std::max(entry.idle_until, entry.flow_seen + idle_time);
}

}  // namespace

Mappings::Mappings(const Policy& policy)
    : policy_(policy), ports_(policy.media_low, policy.media_high), former_(policy.max_mappings) {}

const MappingEntry* Mappings::find_public(const Socket& socket) const {
    const MappingKey* key = public_.find(socket);
    const MappingEntry* entry = key ? mappings_.find(*key) : nullptr;
    return entry && entry->advertised == socket.endpoint.address ? entry : nullptr;
}

const MappingEntry* Mappings::find_outside(const Socket& socket) const {
    const MappingKey* key = public_.find(socket);
    const MappingEntry* entry = key ? mappings_.find(*key) : nullptr;
    return entry && entry->mapping.outside == socket.endpoint ? entry : nullptr;
}

const MappingEntry* Mappings::find_former(const Socket& socket) const {
    const MappingKey* key = former_.find(socket);
    return key ? mappings_.find(*key) : nullptr;
}

void Mappings::occupy(const MappingEntry& entry) {
    public_.put({entry.mapping.transport, entry.public_endpoint()}, entry.key());
    if (entry.advertised != entry.mapping.outside.address)
        public_.put({entry.mapping.transport, entry.mapping.outside}, entry.key());
}

void Mappings::vacate(const MappingEntry& entry) {
    public_.erase({entry.mapping.transport, entry.public_endpoint()});
    if (entry.advertised != entry.mapping.outside.address)
        public_.erase({entry.mapping.transport, entry.mapping.outside});
}

void Mappings::know_address(const Address& outside) {
    if (std::find(addresses_.begin(), addresses_.end(), outside) == addresses_.end())
        addresses_.push_back(outside);
}

void Mappings::forget(const MappingEntry& entry) {
    const MappingKey key = entry.key();
    vacate(entry);
    per_phone_.fewer(entry.mapping.inside.address);
    deadlines_.erase(key);
    mappings_.erase(key);
}

void Mappings::schedule(const MappingEntry& entry, Time now) {
    if (entry.holders > 0) {  // its release sets a deadline
        deadlines_.erase(entry.key());
        return;
    }
    Time due = std::max(entry.idle_until, entry.linger_until);
    // What would leave the kernel before its time is renewed while it is there.
    if (entry.kernel_until > now && entry.kernel_until < entry.idle_until)
        due = std::max(std::min(due, entry.kernel_until - idle_margin), now);
    deadlines_.schedule(entry.key(), due);
}

void Mappings::ensure(MappingEntry& entry, Time until, Time now, std::vector<Change>& changes) {
    const bool there = entry.kernel_until > now;
    if (there && !worth_renewing(entry.kernel_until, until, now)) return;
    const Time longest = std::max(entry.kernel_until, until);
    const auto op = there ? Change::Op::renew : Change::Op::add;
    if (!entry.mapping.is_identity()) changes.push_back(change(op, entry.mapping, longest, now));
    entry.kernel_until = longest;
    if (entry.listener) add_listener(entry, op, now, changes);
    if (entry.reachable) changes.push_back(change(op, reachable_of(entry), longest, now));
    if (!there) touched_ = true;
}

// With several outside addresses one endpoint may have several mappings: they share its Diversion.
Time Mappings::others_listen_until(const MappingEntry& entry) const {
    Time until{0};
    for (const Address& outside : addresses_) {
        if (outside == entry.mapping.outside.address) continue;
        const MappingEntry* other =
            mappings_.find(MappingKey{{entry.mapping.transport, entry.mapping.inside}, outside});
        if (other && other->listener) until = std::max(until, other->kernel_until);
    }
    return until;
}

void Mappings::add_listener(const MappingEntry& entry, Change::Op op, Time now,
                            std::vector<Change>& changes) const {
    const Time others = others_listen_until(entry);
    changes.push_back(change(others > now ? Change::Op::renew : op,
                             Diversion{entry.mapping.transport, entry.mapping.inside},
                             std::max(entry.kernel_until, others), now));
}

bool Mappings::touch(const MappingKey& key, bool listener, Time now, std::vector<Change>& changes) {
    const MappingEntry* known = mappings_.find(key);
    if (!known) return false;
    const bool fresh = known->kernel_until > now && known->idle_until - now > idle_time / 2;
    const bool opens = policy_.treatments.allows_peers() && !known->reachable;
    if (fresh && known->listener == listener && !opens) return false;
    MappingEntry& entry = *mappings_.edit(key);
    const bool was_there = entry.kernel_until > now;
    const bool was_listener = entry.listener;
    entry.listener = entry.listener || listener;
    entry.idle_until = now + idle_time;
    if (was_there && entry.listener && !was_listener) add_listener(entry, Change::Op::add, now, changes);
    entry.reachable = entry.reachable || opens;
    if (was_there && opens)
        changes.push_back(change(Change::Op::add, reachable_of(entry), entry.kernel_until, now));
    ensure(entry, entry.idle_until + idle_margin, now, changes);
    schedule(entry, now);
    return !was_there;
}

bool Mappings::adopt(const Socket& inside, const Egress& egress, bool listener, Time now,
                     std::vector<Change>& changes) {
    const MappingKey key{inside, egress.address};
    const ExistingNat::Way* way = existing_nat_.find(key);
    // A port forwarding of the owner's is no word of the phone's.
    if (mappings_.contains(key) || !way || !way->by_phone) return false;
    if (!map(inside, egress, {way->port, false, true}, now)) return false;
    MappingEntry& entry = *mappings_.edit(key);
    entry.rewritten = entry.presumed = true;
    return touch(key, listener, now, changes);
}

void Mappings::hold(const MappingKey& key, Time until, Time now, std::vector<Change>& changes) {
    MappingEntry* entry = mappings_.edit(key);
    if (!entry) return;
    ++entry->holders;
    ensure(*entry, until, now, changes);
    schedule(*entry, now);
}

bool Mappings::hold(const Pinhole& pinhole, Time until, Time now, std::vector<Change>& changes) {
    const bool is_new = !pinholes_.contains(pinhole);
    PinholeEntry& entry = is_new ? pinholes_.put(pinhole, {}) : *pinholes_.edit(pinhole);
    ++entry.holders;
    if (is_new || entry.kernel_until <= now) {
        entry.kernel_until = until;
        changes.push_back(change(Change::Op::add, pinhole, until, now));
        touched_ = true;
        return true;
    }
    extend(pinhole, until, now, changes);
    return false;
}

void Mappings::extend(const MappingKey& key, Time until, Time now, std::vector<Change>& changes) {
    if (MappingEntry* entry = mappings_.edit(key)) ensure(*entry, until, now, changes);
}

void Mappings::extend(const Pinhole& pinhole, Time until, Time now, std::vector<Change>& changes) {
    const PinholeEntry* known = pinholes_.find(pinhole);
    if (!known || !worth_renewing(known->kernel_until, until, now)) return;
    pinholes_.edit(pinhole)->kernel_until = until;
    changes.push_back(change(Change::Op::renew, pinhole, until, now));
}

void Mappings::release(const MappingKey& key, Time now, std::vector<Change>& changes) {
    MappingEntry* entry = mappings_.edit(key);
    if (!entry || entry->holders == 0) return;
    if (--entry->holders > 0) return;
    if (used_until(*entry) > now) {
        entry->idle_until = used_until(*entry);
        ensure(*entry, entry->idle_until + idle_margin, now, changes);
    } else {
        remove(*entry, now, changes);
        entry->kernel_until = Time{0};
        entry->adopted = false;
        entry->linger_until = now + transaction_time;
        lingering_.push_back(key);
    }
    schedule(*entry, now);
}

void Mappings::remove(const MappingEntry& entry, Time now, std::vector<Change>& changes) {
    if (!entry.mapping.is_identity()) changes.push_back(removal(entry.mapping));
    if (entry.listener && others_listen_until(entry) <= now)
        changes.push_back(removal(Diversion{entry.mapping.transport, entry.mapping.inside}));
    if (entry.reachable) changes.push_back(removal(reachable_of(entry)));
    // A connection that goes on without us is not ended because its messages ceased.
    const bool connections = entry.mapping.transport == Transport::tcp && entry.idle_until != Time{0};
    if (!connections) closed_.mappings.push_back(entry.mapping);
    touched_ = true;
}

bool Mappings::release(const Pinhole& pinhole, std::vector<Change>& changes) {
    PinholeEntry* entry = pinholes_.edit(pinhole);
    if (!entry || --entry->holders > 0) return false;
    changes.push_back(removal(pinhole));
    closed_.pinholes.push_back(pinhole);
    pinholes_.erase(pinhole);
    touched_ = true;
    return true;
}

void Mappings::learn(const MappingEntry& known, bool via, rewrite::PortForm form) {
    const bool shown = known.rewritten && !known.presumed;
    if (shown && (via ? known.via_form : known.uri_form) == form) return;
    MappingEntry& entry = *mappings_.edit(known.key());
    entry.rewritten = true;
    entry.presumed = false;
    (via ? entry.via_form : entry.uri_form) = form;
}

void Mappings::mark_rewritten(const MappingEntry& known) {
    if (known.rewritten && !known.presumed) return;
    MappingEntry& entry = *mappings_.edit(known.key());
    entry.rewritten = true;
    entry.presumed = false;
}

void Mappings::presume(const MappingKey& key) {
    MappingEntry* entry = mappings_.edit(key);
    if (entry && !entry->rewritten) entry->rewritten = entry->presumed = true;
}

void Mappings::mark_own(const MappingKey& key) {
    const MappingEntry* known = mappings_.find(key);
    if (!known || !known->presumed) return;
    MappingEntry& entry = *mappings_.edit(key);
    entry.rewritten = entry.presumed = false;
}

void Mappings::flow_seen(const MappingKey& key, Time at) {
    if (MappingEntry* entry = mappings_.edit(key)) entry->flow_seen = std::max(entry->flow_seen, at);
    mappings_.commit();
}

void Mappings::expire(Time now, std::vector<Change>& changes) {
    for (int i = 0; i < deadlines_at_once; ++i) {
        const auto key = deadlines_.take_due(now);
        if (!key) break;
        MappingEntry* entry = mappings_.edit(*key);
        if (entry->kernel_until > now && used_until(*entry) > now) {
            entry->idle_until = used_until(*entry);
            ensure(*entry, entry->idle_until + idle_margin, now, changes);
        }
        if (std::max(entry->idle_until, entry->linger_until) > now) {
            schedule(*entry, now);
            continue;
        }
        if (entry->kernel_until > now) remove(*entry, now, changes);
        forget(*entry);
    }
    while (!lingering_.empty() && !is_lingering(lingering_.front(), now))
        lingering_.pop_front();
    former_.expire(now);
}

std::optional<Time> Mappings::next_deadline() const {
    const auto mappings = deadlines_.next();
    const auto former = former_.next_deadline();
    return mappings && former ? std::min(*mappings, *former) : mappings ? mappings : former;
}

void Mappings::set_occupied(std::vector<Socket> sockets) {
    occupied_.clear();
    occupied_.insert(sockets.begin(), sockets.end());
}

Mappings::Closed Mappings::take_closed() {
    touched_ = false;
    return std::exchange(closed_, {});
}

void Mappings::commit() {
    if (!policy_.sees_flows) take_closed();
    mappings_.commit();
    public_.commit();
    pinholes_.commit();
    former_.commit();
    per_phone_.commit();
    deadlines_.commit();
}

void Mappings::cancel() {
    mappings_.cancel();
    public_.cancel();
    pinholes_.cancel();
    former_.cancel();
    per_phone_.cancel();
    deadlines_.cancel();
}

}  // namespace sipalg::nat
