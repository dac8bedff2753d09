#include "alg/nat/mapping_mover.hpp"

#include <algorithm>
#include <tuple>

#include "alg/kernel/change.hpp"
#include "alg/policy/timing.hpp"

namespace sipalg::nat {

namespace {

bool is_next(const Mapping& before, const Mapping& after) {
    return before.transport == after.transport && before.inside.address == after.inside.address &&
           before.outside.address == after.outside.address && before.inside.port + 1 == after.inside.port &&
           before.outside.port + 1 == after.outside.port;
}

}  // namespace

void MappingMover::run() {
    take_out();
    std::vector<Run> crowded;
    for (const Run& run : runs())
        if (!keep_ports(run)) crowded.push_back(run);
    for (const Run& run : crowded)
        take_other_ports(run);
    move_pinholes();
    changes_.insert(changes_.end(), additions_.begin(), additions_.end());
}

void MappingMover::take_out() {
    for (const auto& [key, entry] : all_.mappings_)
        if (renumbering_.target({key.outside, entry.advertised})) leaving_.push_back(entry);
    // Sort, for a stable order with consecutive ports next to each other.
    std::sort(leaving_.begin(), leaving_.end(), [](const MappingEntry& a, const MappingEntry& b) {
        return std::tie(a.mapping.outside.address, a.mapping.transport, a.mapping.inside) <
               std::tie(b.mapping.outside.address, b.mapping.transport, b.mapping.inside);
    });
    for (MappingEntry& entry : leaving_) {
        // It was kept for later calls, which will name the new address.
        if (all_.is_lingering(entry, now_) && entry.kernel_until > now_) {
            changes_.push_back(removal(entry.mapping));
            entry.kernel_until = Time{0};
        }
        all_.ports_.remove(entry.mapping, entry.advertised);
        all_.mappings_.erase(entry.key());
        all_.deadlines_.erase(entry.key());
        renumbering_.note_old_port(entry.key(), entry.mapping.outside.port);
    }
}

std::vector<MappingMover::Run> MappingMover::runs() const {
    std::vector<Run> found;
    for (std::size_t i = 0; i < leaving_.size(); ++i) {
        const MappingEntry& entry = leaving_[i];
        if (i > 0 && entry.consecutive && is_next(leaving_[i - 1].mapping, entry.mapping))
            ++found.back().count;
        else
            found.push_back({i, 1});
    }
    return found;
}

bool MappingMover::is_free(const MappingEntry& entry, std::uint16_t port, unsigned run) const {
    const Egress& to = target(entry);
    const Socket inside{entry.mapping.transport, entry.mapping.inside};
    return all_.ports_.is_free(inside.transport, to, port) &&
           !all_.ports_.is_others(inside, to.address, port, entry.mapping.outside.port, run);
}

bool MappingMover::exists(const MappingEntry& entry) const {
    MappingKey key = entry.key();
    key.outside = target(entry).address;
    return all_.mappings_.contains(key);
}

bool MappingMover::keep_ports(const Run& run) {
    for (std::size_t i = run.first; i < run.first + run.count; ++i)
        if (!exists(leaving_[i]) && !is_free(leaving_[i], leaving_[i].mapping.outside.port, 1)) return false;
    for (std::size_t i = run.first; i < run.first + run.count; ++i)
        place(leaving_[i], leaving_[i].mapping.outside.port);
    return true;
}

void MappingMover::take_other_ports(const Run& run) {
    const MappingEntry& head = leaving_[run.first];
    // A lingering mapping only reserves its old port for late retransmissions: it gets no other one.
    std::optional<std::uint16_t> port;
    const auto count = static_cast<unsigned>(run.count);
    if (!all_.is_lingering(head, now_))
        port = all_.choose_port(
            head.mapping.outside.port, count, now_,
            [&](std::uint16_t wanted) { return is_free(head, wanted, count); }, changes_);
    for (std::size_t i = 0; i < run.count; ++i) {
        const MappingEntry& entry = leaving_[run.first + i];
        if (exists(entry) || port)
            place(entry, static_cast<std::uint16_t>(port.value_or(0) + i));
        else
            lose(entry);
    }
}

void MappingMover::place(const MappingEntry& old, std::uint16_t port) {
    const Egress& to = target(old);
    Renumbering::Counts& counts = renumbering_.counts(old.mapping.outside.address);
    MappingEntry entry = old;
    entry.mapping.outside = {to.address, port};
    entry.mapping.interface = to.interface;
    entry.advertised = to.advertised;
    const bool was_there = old.kernel_until > now_;
    if (was_there) ++counts.mappings;
    if (entry.mapping != old.mapping) entry.adopted = false;
    if (exists(old)) {
        entry = join_existing(old, *all_.mappings_.edit(entry.key()));
    } else {
        if (port != old.mapping.outside.port && was_there) ++counts.other_ports;
        if (entry.mapping != old.mapping && was_there) {
            remove_from_kernel(old);
            additions_.push_back(Mappings::change_of(entry, Change::Op::add, now_));
            // Renewed with the mapping, so that both end at the same time.
            if (entry.diverted) all_.add_diversion(entry, Change::Op::renew, now_, additions_);
            if (entry.reachable)
                additions_.push_back(change(Change::Op::add, reachable_of(entry), entry.kernel_until, now_));
        }
        all_.ports_.enter(entry.mapping, entry.advertised);
        all_.mappings_.put(entry.key(), entry);
        if (all_.is_lingering(entry, now_)) all_.lingering_.push_back(entry.key());
        all_.schedule(entry, now_);
    }
    all_.note_old_endpoint({old.mapping.transport, old.public_endpoint()}, entry.key(),
                           now_ + transaction_time);
    outsides_.emplace(Socket{old.mapping.transport, old.mapping.outside}, entry.mapping.outside);
}

MappingEntry MappingMover::join_existing(const MappingEntry& old, MappingEntry& there) {
    if (old.kernel_until > now_) remove_from_kernel(old);
    there.users += old.users;
    there.idle_until = std::max(there.idle_until, old.idle_until);
    there.linger_until = std::max(there.linger_until, old.linger_until);
    there.diverted = there.diverted || old.diverted;
    there.reachable = there.reachable || old.reachable;
    there.shown.inside = there.shown.inside || old.shown.inside;
    all_.per_phone_.fewer(old.mapping.inside.address);
    // Add it even if its time stays the same, because the removed element had the same inside endpoint.
    there.kernel_until = std::max(there.kernel_until, old.kernel_until);
    if (there.kernel_until > now_) {
        additions_.push_back(Mappings::change_of(there, Change::Op::renew, now_));
        if (there.diverted) all_.add_diversion(there, Change::Op::renew, now_, additions_);
        if (there.reachable)
            additions_.push_back(change(Change::Op::renew, reachable_of(there), there.kernel_until, now_));
    }
    all_.schedule(there, now_);
    return there;
}

void MappingMover::lose(const MappingEntry& old) {
    outsides_.emplace(Socket{old.mapping.transport, old.mapping.outside}, Endpoint{});
    all_.per_phone_.fewer(old.mapping.inside.address);
    if (old.kernel_until <= now_) return;
    ++renumbering_.counts(old.mapping.outside.address).lost;
    remove_from_kernel(old);
    if (old.diverted && all_.others_divert_until(old) <= now_)
        changes_.push_back(removal(Diversion{old.mapping.transport, old.mapping.inside}));
}

void MappingMover::remove_from_kernel(const MappingEntry& old) {
    changes_.push_back(removal(old.mapping));
    if (old.reachable) changes_.push_back(removal(reachable_of(old)));
    all_.closed_.push_back(old.mapping);
    all_.changed_ = true;
}

void MappingMover::move_pinholes() {
    const auto moved = [this](const Socket& outside) -> std::optional<Endpoint> {
        const auto there = outsides_.find(outside);
        if (there == outsides_.end() || there->second == outside.endpoint) return std::nullopt;
        return there->second;
    };
    for (const Pinhole& old : all_.pinholes_.move(moved, now_, changes_, additions_))
        ++renumbering_.counts(old.outside.address).pinholes;
}

}  // namespace sipalg::nat
