#include "alg/nat/pinholes.hpp"

#include <algorithm>

#include "alg/kernel/change.hpp"
#include "alg/kernel/record.hpp"
#include "alg/policy/timing.hpp"

namespace sipalg::nat {

bool Pinholes::acquire(const Pinhole& pinhole, Time until, Time now, std::vector<Change>& changes) {
    const bool is_new = !table_.contains(pinhole);
    PinholeEntry& entry = is_new ? table_.put(pinhole, {}) : *table_.edit(pinhole);
    ++entry.users;
    if (is_new || entry.kernel_until <= now) {
        entry.kernel_until = until;
        changes.push_back(change_of(pinhole, entry, Change::Op::add, now));
        changed_ = true;
        return true;
    }
    extend(pinhole, until, now, changes);
    return false;
}

void Pinholes::extend(const Pinhole& pinhole, Time until, Time now, std::vector<Change>& changes) {
    const PinholeEntry* known = table_.find(pinhole);
    if (!known || !is_worth_renewing(known->kernel_until, until, now)) return;
    PinholeEntry& entry = *table_.edit(pinhole);
    entry.kernel_until = until;
    changes.push_back(change_of(pinhole, entry, Change::Op::renew, now));
}

Change Pinholes::change_of(const Pinhole& pinhole, PinholeEntry& entry, Change::Op op, Time now) {
    Change made = change(op, pinhole, entry.kernel_until, now);
    made.note = entry.note;
    if (entry.note.empty()) entry.note_id = 0;
    return made;
}

bool Pinholes::release(const Pinhole& pinhole, std::vector<Change>& changes) {
    PinholeEntry* entry = table_.edit(pinhole);
    if (!entry || --entry->users > 0) return false;
    changes.push_back(removal(pinhole));
    closed_.push_back(pinhole);
    table_.erase(pinhole);
    changed_ = true;
    return true;
}

void Pinholes::set_note(const Pinhole& pinhole, std::uint32_t id, const SharedText& note) {
    PinholeEntry* entry = table_.edit(pinhole);
    if (!entry) return;
    entry->note_id = id;
    entry->note = note;
}

void Pinholes::outdate_note(const Pinhole& pinhole, std::uint32_t id) {
    const PinholeEntry* known = table_.find(pinhole);
    if (known && known->note_id == id) table_.edit(pinhole)->note = {};
}

void Pinholes::remove_note(const Pinhole& pinhole, std::uint32_t id, Time now, std::vector<Change>& changes) {
    const PinholeEntry* known = table_.find(pinhole);
    if (!known || id == 0 || known->note_id != id) return;
    PinholeEntry& entry = *table_.edit(pinhole);
    entry.note = {};
    if (entry.kernel_until > now) changes.push_back(change_of(pinhole, entry, Change::Op::renew, now));
}

void Pinholes::restore(const Pinhole& pinhole, Time until, const SharedText& note) {
    PinholeEntry entry;
    entry.kernel_until = until;
    entry.note_id = id_in_note(note);
    if (entry.note_id != 0) entry.note = note;
    table_.put(pinhole, std::move(entry));
}

std::vector<Pinhole> Pinholes::move(const Moved& moved, Time now, std::vector<Change>& removals,
                                    std::vector<Change>& additions) {
    std::vector<std::pair<Pinhole, PinholeEntry>> leaving;
    for (const auto& [pinhole, entry] : table_)
        if (moved({pinhole.transport, pinhole.outside})) leaving.emplace_back(pinhole, entry);
    // In a stable order, which a hash table does not have.
    std::sort(leaving.begin(), leaving.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    for (const auto& [pinhole, entry] : leaving) {
        removals.push_back(removal(pinhole));
        table_.erase(pinhole);
    }
    std::vector<Pinhole> all_moved;
    for (const auto& [old, entry] : leaving) {
        Pinhole pinhole = old;
        pinhole.outside = *moved({old.transport, old.outside});
        if (pinhole.outside.port == 0) continue;
        PinholeEntry& there = table_.contains(pinhole) ? *table_.edit(pinhole) : table_.put(pinhole, {});
        there.users += entry.users;
        there.kernel_until = std::max(there.kernel_until, entry.kernel_until);
        if (there.kernel_until > now)
            additions.push_back(change(Change::Op::renew, pinhole, there.kernel_until, now));
        all_moved.push_back(old);
    }
    return all_moved;
}

void Pinholes::remove_unused(std::vector<Change>& changes) {
    std::vector<Pinhole> unused;
    for (const auto& [pinhole, entry] : table_)
        if (entry.users == 0) unused.push_back(pinhole);
    for (const Pinhole& pinhole : unused) {
        changes.push_back(removal(pinhole));
        table_.erase(pinhole);
    }
}

void Pinholes::list(Time now, std::vector<Change>& changes) const {
    for (const auto& [pinhole, entry] : table_) {
        if (entry.kernel_until <= now) continue;
        changes.push_back(change(Change::Op::add, pinhole, entry.kernel_until, now));
        changes.back().note = entry.note;
    }
}

}  // namespace sipalg::nat
