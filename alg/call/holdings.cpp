#include "alg/call/holdings.hpp"

#include <algorithm>

#include "alg/call/constants.hpp"

namespace sipalg::call {

namespace {

// Renewing for every small step would be a transaction per message: what ends a little early is renewed in
// time (calls), or has a grace that covers it (bindings).
bool worth_renewing(Time kernel_until, Time until, Time now) {
    return until - kernel_until > std::min(registration_grace, (until - now) / 4);
}

Change change(Change::Op op, Element element, Time until, Time now) {
    const auto left = std::chrono::ceil<Seconds>(until - now);
    return {op, std::move(element), std::max(left, Seconds{1})};
}

// How long signalling keeps a mapping. Keep-alives are no messages, but whoever sends them counts on it.
Time used_until(const MappingEntry& entry) {
    if (entry.idle_until == Time{0}) return Time{0};
    return std::max(entry.idle_until, entry.flow_seen + idle_time);
}

Change removal(Element element) {
    return {Change::Op::remove, std::move(element), Seconds{0}};
}

}  // namespace

Holdings::Holdings(const Policy& policy) : policy_(policy), ports_(policy.media_low, policy.media_high) {}

const MappingEntry* Holdings::find_public(const Socket& socket) const {
    const MappingKey* key = public_.find(socket);
    return key ? mappings_.find(*key) : nullptr;
}

bool Holdings::is_free(const Socket& public_socket, const Address& outside) const {
    if (public_.contains(public_socket)) return false;
    const auto bound = [&](const Address& address) {
        return occupied_.contains(Socket{public_socket.transport, {address, public_socket.endpoint.port}});
    };
    // A socket on the wildcard address of either family gets what comes to any of them.
    return !bound(outside) && !bound(Address::v4(0)) && !bound(Address::v6({}));
}

// Ports that are only kept for late retransmissions make room (X7).
bool Holdings::has_room(const Address& phone, Time now) {
    while (mappings_.size() >= policy_.max_mappings || per_phone_.of(phone) >= policy_.max_mappings_per_phone)
        if (!forget_oldest_lingering(now)) return false;
    return true;
}

bool Holdings::is_lingering(const MappingKey& key, Time now) const {
    const MappingEntry* entry = mappings_.find(key);
    return entry && entry->holders == 0 && entry->idle_until <= now && entry->kernel_until <= now;
}

std::optional<std::uint16_t> Holdings::forget_oldest_lingering(Time now) {
    while (!lingering_.empty()) {
        const MappingKey key = lingering_.front();
        lingering_.pop_front();
        if (!is_lingering(key, now)) continue;
        const MappingEntry& entry = *mappings_.find(key);
        const std::uint16_t port = entry.mapping.outside.port;
        forget(entry);
        return port;
    }
    return std::nullopt;
}

void Holdings::forget(const MappingEntry& entry) {
    const MappingKey key = entry.key();
    public_.erase({entry.mapping.transport, entry.public_endpoint()});
    per_phone_.fewer(entry.mapping.inside.address);
    mappings_.erase(key);
}

const MappingEntry* Holdings::map(const Socket& inside, const Egress& egress, const PortWish& wish,
                                  Time now) {
    const MappingKey key{inside, egress.address};
    if (const MappingEntry* known = mappings_.find(key)) return known;
    if (is_forbidden_port(inside.endpoint.port) || !has_room(inside.endpoint.address, now)) return nullptr;
    // The port that conntrack has for it is the one that peers may know (C12).
    const Masquerade::Way* way = masquerade_.find(key);
    const std::uint16_t preferred = wish.preferred ? wish.preferred : way ? way->port : inside.endpoint.port;
    // Another host's flows may not come to use a port of ours, or ours theirs. The phone's own next port is
    // for its own next socket.
    const auto others = [&](std::uint16_t port) {
        const Endpoint* user = masquerade_.find_public({inside.transport, {egress.address, port}});
        return user && (user->address != inside.endpoint.address ||
                        user->port - inside.endpoint.port != port - preferred);
    };
    const auto free = [&](std::uint16_t port) {
        return (!wish.exact || port == preferred) &&
               is_free({inside.transport, {egress.advertised, port}}, egress.address) && !others(port);
    };
    if (wish.exact && !free(preferred)) return nullptr;
    auto port = ports_.choose(preferred, wish.run, free);
    // Only a port that can be of use is worth another search.
    while (!port && !wish.exact) {
        const auto freed = forget_oldest_lingering(now);
        if (!freed) break;
        if (*freed == preferred || ports_.in_range(*freed)) port = ports_.choose(preferred, wish.run, free);
    }
    if (!port) return nullptr;
    per_phone_.more(inside.endpoint.address);
    MappingEntry entry;
    entry.mapping = {inside.transport, inside.endpoint, {egress.address, *port}};
    entry.advertised = egress.advertised;
    entry.linger_until = now + transaction_time;
    entry.adopted = way && way->port == *port;
    public_.put({inside.transport, entry.public_endpoint()}, key);
    MappingEntry& made = mappings_.put(key, std::move(entry));
    schedule(made, now);
    return &made;
}

void Holdings::schedule(MappingEntry& entry, Time now) {
    const Time due = std::max(entry.idle_until, entry.linger_until);
    if (entry.due > now && entry.due <= due) return;  // the queue names it early enough
    entry.due = due;
    deadlines_.add(due, entry.key());
}

void Holdings::ensure(MappingEntry& entry, Time until, Time now, std::vector<Change>& changes) {
    const bool there = entry.kernel_until > now;
    if (there && !worth_renewing(entry.kernel_until, until, now)) return;
    const Time longest = std::max(entry.kernel_until, until);
    const auto op = there ? Change::Op::renew : Change::Op::add;
    changes.push_back(change(op, entry.mapping, longest, now));
    if (entry.listener)
        changes.push_back(change(op, Listener{entry.mapping.transport, entry.mapping.inside}, longest, now));
    entry.kernel_until = longest;
    if (!there) touched_ = true;
}

bool Holdings::touch(const MappingKey& key, bool listener, Time now, std::vector<Change>& changes) {
    const MappingEntry* known = mappings_.find(key);
    if (!known) return false;
    const bool fresh = known->kernel_until > now && known->idle_until - now > idle_time / 2;
    if (fresh && known->listener == listener) return false;
    MappingEntry& entry = *mappings_.edit(key);
    const bool was_there = entry.kernel_until > now;
    const bool was_listener = entry.listener;
    entry.listener = entry.listener || listener;
    entry.idle_until = now + idle_time;
    if (was_there && entry.listener && !was_listener)
        changes.push_back(change(Change::Op::add, Listener{entry.mapping.transport, entry.mapping.inside},
                                 entry.kernel_until, now));
    ensure(entry, entry.idle_until + idle_margin, now, changes);
    schedule(entry, now);
    return !was_there;
}

bool Holdings::adopt(const Socket& inside, const Egress& egress, bool listener, Time now,
                     std::vector<Change>& changes) {
    const MappingKey key{inside, egress.address};
    const Masquerade::Way* way = masquerade_.find(key);
    // A port forwarding of the owner's is no word of the phone's.
    if (mappings_.contains(key) || !way || !way->by_phone) return false;
    if (!map(inside, egress, {way->port, false, true}, now)) return false;
    MappingEntry& entry = *mappings_.edit(key);
    entry.rewritten = entry.presumed = true;
    return touch(key, listener, now, changes);
}

void Holdings::hold(const MappingKey& key, Time until, Time now, std::vector<Change>& changes) {
    MappingEntry* entry = mappings_.edit(key);
    if (!entry) return;
    ++entry->holders;
    ensure(*entry, until, now, changes);
}

bool Holdings::hold(const Pinhole& pinhole, Time until, Time now, std::vector<Change>& changes) {
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

void Holdings::extend(const MappingKey& key, Time until, Time now, std::vector<Change>& changes) {
    if (MappingEntry* entry = mappings_.edit(key)) ensure(*entry, until, now, changes);
}

void Holdings::extend(const Pinhole& pinhole, Time until, Time now, std::vector<Change>& changes) {
    const PinholeEntry* known = pinholes_.find(pinhole);
    if (!known || !worth_renewing(known->kernel_until, until, now)) return;
    pinholes_.edit(pinhole)->kernel_until = until;
    changes.push_back(change(Change::Op::renew, pinhole, until, now));
}

void Holdings::release(const MappingKey& key, Time now, std::vector<Change>& changes) {
    MappingEntry* entry = mappings_.edit(key);
    if (!entry || entry->holders == 0) return;
    if (--entry->holders > 0) return;
    if (used_until(*entry) > now) {
        entry->idle_until = used_until(*entry);
    } else {
        remove(*entry, changes);
        entry->kernel_until = Time{0};
        entry->adopted = false;
        entry->linger_until = now + transaction_time;
        lingering_.push_back(key);
    }
    schedule(*entry, now);
}

void Holdings::remove(const MappingEntry& entry, std::vector<Change>& changes) {
    changes.push_back(removal(entry.mapping));
    if (entry.listener) changes.push_back(removal(Listener{entry.mapping.transport, entry.mapping.inside}));
    closed_.mappings.push_back(entry.mapping);
    touched_ = true;
}

bool Holdings::release(const Pinhole& pinhole, std::vector<Change>& changes) {
    PinholeEntry* entry = pinholes_.edit(pinhole);
    if (!entry || --entry->holders > 0) return false;
    changes.push_back(removal(pinhole));
    closed_.pinholes.push_back(pinhole);
    pinholes_.erase(pinhole);
    touched_ = true;
    return true;
}

void Holdings::learn(const MappingKey& key, bool via, bool bare) {
    const MappingEntry* known = mappings_.find(key);
    const bool shown = known && known->rewritten && !known->presumed;
    if (!known || (shown && (via ? known->bare_in_via : known->bare_in_uri) == bare)) return;
    MappingEntry& entry = *mappings_.edit(key);
    entry.rewritten = true;
    entry.presumed = false;
    (via ? entry.bare_in_via : entry.bare_in_uri) = bare;
}

void Holdings::mark_rewritten(const MappingKey& key) {
    const MappingEntry* known = mappings_.find(key);
    if (!known || (known->rewritten && !known->presumed)) return;
    MappingEntry& entry = *mappings_.edit(key);
    entry.rewritten = true;
    entry.presumed = false;
}

void Holdings::mark_own(const MappingKey& key) {
    const MappingEntry* known = mappings_.find(key);
    if (!known || !known->presumed) return;
    MappingEntry& entry = *mappings_.edit(key);
    entry.rewritten = entry.presumed = false;
}

void Holdings::flow_seen(const MappingKey& key, Time at) {
    if (MappingEntry* entry = mappings_.edit(key)) entry->flow_seen = std::max(entry->flow_seen, at);
    mappings_.commit();
}

void Holdings::expire(Time now, std::vector<Change>& changes) {
    for (int i = 0; i < deadlines_at_once; ++i) {
        const auto key = deadlines_.due(now);
        if (!key) break;
        MappingEntry* entry = mappings_.edit(*key);
        if (!entry) continue;
        entry->due = Time{0};
        if (entry->holders > 0) continue;  // its release schedules it again
        if (entry->kernel_until > now && used_until(*entry) > now) {
            entry->idle_until = used_until(*entry);
            ensure(*entry, entry->idle_until + idle_margin, now, changes);
        }
        if (std::max(entry->idle_until, entry->linger_until) > now) {
            schedule(*entry, now);
            continue;
        }
        if (entry->kernel_until > now) remove(*entry, changes);
        forget(*entry);
    }
    while (!lingering_.empty() && !is_lingering(lingering_.front(), now))
        lingering_.pop_front();
}

void Holdings::set_occupied(std::vector<Socket> sockets) {
    occupied_.clear();
    occupied_.insert(sockets.begin(), sockets.end());
}

void Holdings::restore(const Mapping& mapping, const Address& advertised, Time until) {
    MappingEntry entry;
    entry.mapping = mapping;
    entry.advertised = advertised;
    entry.idle_until = until - std::min(idle_margin, until);
    entry.kernel_until = until;
    entry.rewritten = entry.presumed = true;
    public_.put({mapping.transport, entry.public_endpoint()}, entry.key());
    per_phone_.more(mapping.inside.address);
    entry.due = entry.idle_until;
    deadlines_.add(entry.due, entry.key());
    mappings_.put(entry.key(), entry);
}

void Holdings::restore(const Pinhole& pinhole, Time until) {
    pinholes_.put(pinhole, {0, until});
}

void Holdings::restore_listener(const Socket& inside) {
    for (const auto& [key, entry] : mappings_)
        if (key.inside == inside) mappings_.edit(key)->listener = true;
}

void Holdings::end_restoration(std::vector<Change>& changes) {
    std::vector<MappingKey> held;
    for (const auto& [key, entry] : mappings_)
        if (entry.holders > 0) held.push_back(key);
    for (const MappingKey& key : held)
        mappings_.edit(key)->idle_until = Time{0};
    std::vector<Pinhole> unheld;
    for (const auto& [pinhole, entry] : pinholes_)
        if (entry.holders == 0) unheld.push_back(pinhole);
    for (const Pinhole& pinhole : unheld) {
        changes.push_back(removal(pinhole));
        pinholes_.erase(pinhole);
    }
}

void Holdings::list(Time now, std::vector<Change>& changes) const {
    for (const auto& [key, entry] : mappings_) {
        if (entry.kernel_until <= now) continue;
        changes.push_back(change(Change::Op::add, entry.mapping, entry.kernel_until, now));
        if (entry.listener)
            changes.push_back(change(Change::Op::add, Listener{entry.mapping.transport, entry.mapping.inside},
                                     entry.kernel_until, now));
    }
    for (const auto& [pinhole, entry] : pinholes_)
        if (entry.kernel_until > now)
            changes.push_back(change(Change::Op::add, pinhole, entry.kernel_until, now));
}

Holdings::Closed Holdings::take_closed() {
    touched_ = false;
    return std::exchange(closed_, {});
}

void Holdings::commit() {
    mappings_.commit();
    public_.commit();
    pinholes_.commit();
    per_phone_.commit();
    deadlines_.commit();
}

void Holdings::cancel() {
    mappings_.cancel();
    public_.cancel();
    pinholes_.cancel();
    per_phone_.cancel();
    deadlines_.cancel();
}

}  // namespace sipalg::call
