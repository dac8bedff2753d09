#include "alg/nat/listeners.hpp"

#include <algorithm>

#include "alg/kernel/record_fields.hpp"
#include "alg/policy/timing.hpp"

namespace sipalg::nat {

namespace {

// Increased when the layout changes: a record of another version is not read and is removed.
constexpr std::uint8_t layout = 0xe1;

// For writing and reading (FieldWriter, FieldReader).
void listener_fields(auto& io, auto& source, auto& listener) {
    io.endpoint(source);
    io.number(listener.responses, 2);
    io.number(listener.requests, 2);
}

}  // namespace

std::string Listeners::write_record(const Endpoint& source, const Listener& listener) {
    FieldWriter out;
    out.number(layout, 1);
    listener_fields(out, source, listener);
    return out.take();
}

bool Listeners::make_room(const Address& phone, std::vector<Change>& changes) {
    if (entries_.size() < limits_.max_listeners && per_phone_.of(phone) < limits_.max_listeners_per_phone)
        return true;
    std::optional<Endpoint> oldest;
    Time until{0};
    for (const auto& [source, entry] : entries_) {
        if (source.address != phone || (oldest && entry.until >= until)) continue;
        oldest = source;
        until = entry.until;
    }
    if (!oldest) return false;
    forget(*oldest, changes);
    return true;
}

bool Listeners::note(const Endpoint& source, const Listener& listener, RecordIds& ids, Time now,
                     std::vector<Change>& changes) {
    const Entry* known = entries_.find(source);
    if (!known) {
        if (!make_room(source.address, changes)) return false;
        per_phone_.more(source.address);
        Entry& made = entries_.put(source, {listener, ids.take(), Time{0}, Time{0}});
        use(source, made, now, changes);
    } else if (known->listener != listener) {
        Entry& entry = *entries_.edit(source);
        const std::string before = write_record(source, entry.listener);
        entry.listener = listener;
        store_record(entry.record_id, before, {write_record(source, listener)}, false,
                     std::chrono::ceil<Seconds>(entry.kernel_until - now), changes);
        use(source, entry, now, changes);
    } else {
        refresh(source, now, changes);
    }
    return true;
}

// X8: the kernel keeps the record for twice as long, so that it need not be renewed with every message.
void Listeners::use(const Endpoint& source, Entry& entry, Time now, std::vector<Change>& changes) {
    entry.until = now + idle;
    deadlines_.schedule(source, entry.until);
    if (entry.until + idle_margin <= entry.kernel_until) return;
    const bool is_new = entry.kernel_until == Time{0};
    entry.kernel_until = now + 2 * idle;
    const std::string record = write_record(source, entry.listener);
    store_record(entry.record_id, is_new ? std::string{} : record, {record}, true,
                 std::chrono::ceil<Seconds>(2 * idle), changes);
}

void Listeners::refresh(const Endpoint& source, Time now, std::vector<Change>& changes) {
    const Entry* known = entries_.find(source);
    if (known && known->until - now < idle / 2) use(source, *entries_.edit(source), now, changes);
}

void Listeners::forget(const Endpoint& source, std::vector<Change>& changes) {
    const Entry* known = entries_.find(source);
    if (!known) return;
    store_record(known->record_id, write_record(source, known->listener), {}, false, Seconds{0}, changes);
    per_phone_.fewer(source.address);
    deadlines_.erase(source);
    entries_.erase(source);
}

void Listeners::expire(Time now, const std::function<bool(const Address&)>& is_registered,
                       std::vector<Change>& changes) {
    for (int i = 0; i < deadlines_at_once; ++i) {
        const auto source = deadlines_.take_due(now);
        if (!source) break;
        if (is_registered(source->address))
            use(*source, *entries_.edit(*source), now, changes);
        else
            forget(*source, changes);
    }
}

bool Listeners::restore(const StoredRecord& record, Time now) {
    FieldReader in(record.bytes);
    std::uint8_t version = 0;
    in.number(version, 1);
    if (version != layout) return false;
    Endpoint source;
    Entry entry;
    listener_fields(in, source, entry.listener);
    if (!in.is_complete() || entries_.contains(source) || entries_.size() >= limits_.max_listeners)
        return false;
    entry.record_id = record.id;
    entry.kernel_until = record.until;
    entry.until = std::min(now + idle, record.until - std::min(idle_margin, record.until));
    per_phone_.more(source.address);
    deadlines_.schedule(source, entry.until);
    entries_.put(source, entry);
    return true;
}

void Listeners::list_records(Time now, std::vector<Change>& changes) const {
    for (const auto& [source, entry] : entries_)
        if (entry.kernel_until > now)
            store_record(entry.record_id, {}, {write_record(source, entry.listener)}, false,
                         std::chrono::ceil<Seconds>(entry.kernel_until - now), changes);
}

void Listeners::commit() {
    entries_.commit();
    per_phone_.commit();
    deadlines_.commit();
}

void Listeners::cancel() {
    entries_.cancel();
    per_phone_.cancel();
    deadlines_.cancel();
}

}  // namespace sipalg::nat
